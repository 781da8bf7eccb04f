// SPDX-License-Identifier: MIT

/// Finds programs the way `execvp` would, in the environment the child will have.
package enum Interpreter {
    /// What `${interpreter}` means: the active virtual environment's Python, else `python`, else `python3`.
    package static func path(environment: [String: String]) -> String {
        if let folder = environment["VIRTUAL_ENV"], !folder.isEmpty, Files.isExecutable(folder + "/bin/python") {
            return folder + "/bin/python"
        }
        return find("python", environment: environment) == nil ? "python3" : "python"
    }

    /// The file a bare name stands for; nil when no folder of PATH has it.
    package static func find(_ name: String, environment: [String: String], from folder: String = "/") -> String? {
        for entry in (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(
            separator: ":", omittingEmptySubsequences: false)
        {
            // POSIX: an empty entry is the current folder.
            let base = entry.hasPrefix("/") ? String(entry) : entry.isEmpty ? folder : "\(folder)/\(entry)"
            let path = "\(base)/\(name)"
            if Files.isExecutable(path) { return path }
        }
        return nil
    }
}

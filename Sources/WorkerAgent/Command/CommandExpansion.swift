// SPDX-License-Identifier: MIT

package import SweepModel

/// Turns a sweep file's `command` into the words of one attempt. No shell ever sees them.
///
/// W&B's macros replace a whole item. Beyond W&B, `${name}` of a parameter is replaced anywhere within an item. An item
/// that only assigns a parameter which is not active (`--momentum=${momentum}`) vanishes, as does an unknown whole-item
/// macro; any other unknown `${x}` stays as it is, because it may be meant for a shell the command itself starts.
package struct CommandExpansion: Sendable {
    package var configuration: Configuration
    package var program: String?
    package var interpreter: String
    /// Where the parameters lie as JSON, for `${args_json_file}`.
    package var parametersFile: String
    /// What `${envvar:NAME}` reads.
    package var environment: [String: String]

    /// What W&B takes where a file names a `program` and no `command`.
    package static let standardCommand = ["${env}", "${interpreter}", "${program}", "${args}"]

    package init(
        configuration: Configuration, program: String?, interpreter: String, parametersFile: String,
        environment: [String: String]
    ) {
        self.configuration = configuration
        self.program = program
        self.interpreter = interpreter
        self.parametersFile = parametersFile
        self.environment = environment
    }

    package func words(of command: [String]) -> [String] {
        let members = NestedParameters.members(of: configuration)
        return command.flatMap { words(ofItem: $0, members) }
    }

    private func words(ofItem item: String, _ members: [JSONValue.Member]) -> [String] {
        switch item {
        case "${env}": return ["/usr/bin/env"]
        case "${interpreter}": return [interpreter]
        case "${program}": return program.map { [$0] } ?? []
        case "${args}": return members.map { "--\($0.name)=\(PythonText.str($0.value))" }
        case "${args_no_hyphens}": return members.map { "\($0.name)=\(PythonText.str($0.value))" }
        case "${args_no_equals}": return members.flatMap { ["--\($0.name)", PythonText.str($0.value)] }
        case "${args_no_boolean_flags}":
            return members.compactMap { member in
                switch member.value {
                case .bool(let isSet): isSet ? "--\(member.name)" : nil
                case .null, .integer, .number, .string, .array, .object:
                    "--\(member.name)=\(PythonText.str(member.value))"
                }
            }
        case "${args_json}": return [JSONValue.object(members).text]
        case "${args_json_file}": return [parametersFile]
        default: return substitute(item, members).map { [$0] } ?? []
        }
    }

    /// nil when the item vanishes.
    private func substitute(_ item: String, _ members: [JSONValue.Member]) -> String? {
        var result = ""
        var rest = item[...]
        while let open = rest.firstRange(of: "${"), let close = rest[open.upperBound...].firstIndex(of: "}") {
            let name = String(rest[open.upperBound..<close])
            let end = rest.index(after: close)
            result += rest[..<open.lowerBound]
            if let value = value(of: name, members) {
                result += value
            } else if isOnlyAssignment(item, of: name) {
                return nil
            } else {
                // Only the opening is passed over: another macro may begin inside what is no macro.
                result += "${"
                rest = rest[open.upperBound...]
                continue
            }
            rest = rest[end...]
        }
        return result + rest
    }

    private func value(of name: String, _ members: [JSONValue.Member]) -> String? {
        if let value = configuration[name] { return PythonText.str(value) }
        if let member = members.first(where: { $0.name == name }) { return PythonText.str(member.value) }
        guard name.hasPrefix("envvar:") else { return nil }
        let variable = String(name.dropFirst("envvar:".count))
        guard variable.utf8.allSatisfy({ $0 == 0x5F || (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) })
        else { return nil }
        return environment[variable] ?? variable
    }

    /// `${name}`, or `name=${name}` with any number of hyphens before it.
    private func isOnlyAssignment(_ item: String, of name: String) -> Bool {
        let macro = "${\(name)}"
        return item == macro || item.drop(while: { $0 == "-" }) == "\(name)=\(macro)"
    }
}

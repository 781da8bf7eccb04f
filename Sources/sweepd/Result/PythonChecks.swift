// SPDX-License-Identifier: MIT

import Foundation
import WorkerAgent

/// The interpreter that commands get, and the client bundled for it.
enum PythonChecks {
    static func all(environment: [String: String] = ProcessInfo.processInfo.environment) -> [HealthCheck] {
        let name = Interpreter.path(environment: environment)
        let path = name.hasPrefix("/") ? name : Interpreter.find(name, environment: environment)
        guard let path else {
            return [
                .warning(
                    "Python", "no python3 found; commands in other languages work",
                    remedy: "sudo apt-get install python3 python3-venv")
            ]
        }
        guard let version = run(path, "import sys; print('%d.%d.%d' % sys.version_info[:3])", [:]) else {
            return [.warning("Python", "\(path) does not run", remedy: "sudo apt-get install --reinstall python3")]
        }
        return [.ok("Python", "\(version) (\(path))"), client(path), zeroMQ(path)]
    }

    private static func client(_ python: String) -> HealthCheck {
        let name = "Python client"
        guard let folder = Installation.pythonClient else {
            return .warning(
                name, "the bundled client is not beside this program: scripts can't `import sweepd`",
                remedy: "make install, or export SWEEPD_PYTHON_CLIENT=<source>/Workers/Python/src")
        }
        let inherited = ProcessInfo.processInfo.environment["PYTHONPATH"].map { ":" + $0 } ?? ""
        let code = "import sweepd; print(sweepd.__version__)"
        guard let version = run(python, code, ["PYTHONPATH": folder + inherited]) else {
            return .failure(
                name, "\(folder) cannot be imported",
                remedy: "PYTHONPATH=\(ShellWord.quoted(folder)) \(python) -c 'import sweepd'")
        }
        return .ok(name, "\(version) (\(folder))")
    }

    private static func zeroMQ(_ python: String) -> HealthCheck {
        guard let version = run(python, "import zmq; print(zmq.__version__)", [:]) else {
            let word = ShellWord.quoted(python)
            // Debian's own Python takes packages only into a virtual environment.
            let isVirtual = run(python, "import sys; print(sys.prefix != sys.base_prefix)", [:]) == "True"
            return .warning(
                "pyzmq", "not installed: only needed for sweepd.worker(function)",
                remedy: isVirtual
                    ? "\(word) -m pip install pyzmq"
                    : "\(word) -m venv .venv && . .venv/bin/activate && pip install pyzmq")
        }
        return .ok("pyzmq", version)
    }

    /// Its first line; nil when it fails or takes longer than 20 s.
    private static func run(_ python: String, _ code: String, _ environment: [String: String]) -> String? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = ["-c", code]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        do { try process.run() } catch { return nil }
        let watchdog = DispatchWorkItem { process.terminate() }
        DispatchQueue.global().asyncAfter(deadline: .now() + 20, execute: watchdog)
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        watchdog.cancel()
        guard process.terminationStatus == 0 else { return nil }
        return text.split(whereSeparator: \.isNewline).first.map(String.init)
    }
}

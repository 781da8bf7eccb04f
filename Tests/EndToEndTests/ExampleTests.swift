// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// The examples, run as their READMEs say, in a copy.
@Suite struct ExampleTests {
    static let environment = Program.root + "/.venv"

    /// Whether the environment for the examples is there (`make deps`) and has the module.
    static func has(_ module: String) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: environment + "/bin/python")
        process.arguments = ["-c", "import \(module)"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    static func example(_ name: String) throws -> SweepFolder {
        let folder = try SweepFolder()
        let source = Program.root + "/Workers/Examples/" + name
        for file in try FileManager.default.contentsOfDirectory(atPath: source) where !file.hasPrefix(".") {
            try FileManager.default.copyItem(atPath: source + "/" + file, toPath: folder.path + "/" + file)
        }
        return folder
    }

    @Test func branin() throws {
        let folder = try Self.example("branin")
        let result = try folder.run("run", "sweep.yaml")
        #expect(result.status == 0, "\(result.output)\(result.error)")
        #expect(result.output.contains("branin: finished (64 of 64 trials done)"))
        let best = try #require(try folder.json("best", "branin")["value"] as? Double)
        #expect(best >= 0.397_887 && best < 3)
    }

    @Test func plainScript() throws {
        let folder = try Self.example("plain-script")
        let result = try folder.run("run", "sweep.yaml")
        #expect(result.status == 0, "\(result.output)\(result.error)")
        #expect(try folder.trials(of: "plain-script").allSatisfy { $0["last_step"] as? Int == 10 })
        #expect(try folder.reports(of: "plain-script").count == 50)
    }

    @Test(.enabled(if: has("sklearn"), "make deps installs scikit-learn for it")) func digits() throws {
        let folder = try Self.example("digits")
        let result = try folder.run(
            "run", "sweep.yaml", "--trials", "4", environment: ["VIRTUAL_ENV": Self.environment], seconds: 120)
        #expect(result.status == 0, "\(result.output)\(result.error)")
        #expect(try folder.trials(of: "digits").allSatisfy { $0["last_step"] as? Int == 20 })
    }

    @Test(.enabled(if: has("zmq"), "make deps installs pyzmq for it")) func pythonWorker() throws {
        let folder = try Self.example("python-worker")
        let run = try folder.start("run", "sweep.yaml", "--workers", "0")
        try #require(wait { folder.text("out").contains("no local workers") }, "\(folder.text("out"))")
        let workers = try (0..<2).map { _ in
            let worker = Process()
            worker.executableURL = URL(fileURLWithPath: Self.environment + "/bin/python")
            worker.arguments = ["worker.py"]
            worker.currentDirectoryURL = URL(fileURLWithPath: folder.path)
            worker.environment = ProcessInfo.processInfo.environment.merging(
                ["PYTHONPATH": Program.root + "/Workers/Python/src"]) { _, new in new }
            worker.standardOutput = FileHandle.nullDevice
            try worker.run()
            return worker
        }
        #expect(run.end(within: 60) == 0, "\(folder.text("out"))")
        for worker in workers { #expect(worker.end(within: 20) == 0) }
        #expect(try folder.states(of: "python-worker") == [String](repeating: "completed", count: 100))
        #expect(try folder.reports(of: "python-worker").count == 2000)
    }
}

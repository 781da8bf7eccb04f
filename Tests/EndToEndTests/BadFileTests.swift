// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// A sweep file with a mistake: what is said names file, line, field and the nearest right word, and nothing is run.
@Suite struct BadFileTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let text: String
        let expected: [String]

        init(_ description: String, _ text: String, _ expected: [String]) {
            testDescription = description
            self.text = text
            self.expected = expected
        }
    }

    static let head = "method: random\nmetric: {name: loss}\ncommand: [sh, train.sh]\nparameters:\n"

    @Test(arguments: [
        Case("empty", "", ["sweep.yaml:1: the file is empty"]),
        Case("no mapping", "- a\n- b\n", ["sweep.yaml:1: "]),
        Case("malformed list", "name: x\nparameters: {a: [1, 2\nfoo: bar\n", ["sweep.yaml:3: not valid YAML"]),
        Case("tab", "name: x\n\tfoo: bar\n", ["sweep.yaml:2: not valid YAML", "tab"]),
        Case("nothing required", "name: x\n", ["method: ", "metric: ", "parameters: "]),
        Case("bounds", head + "  x: {min: 1.0, max: 0.5}\n", ["sweep.yaml:5: parameters.x.min: must be less than max"]),
        Case(
            "equal bounds", head + "  x: {min: 2, max: 2}\n", ["sweep.yaml:5: parameters.x.min: must be less than max"]),
        Case(
            "log bounds", head + "  x: {min: 0, max: 1, distribution: log_uniform_values}\n",
            ["sweep.yaml:5: parameters.x.min: must be greater than 0"]),
        Case(
            "unknown condition", head + "  opt: {values: [a, b]}\n  x: {min: 0.5, max: 1.0, when: {otp: a}}\n",
            ["sweep.yaml:6: parameters.x.when.otp: names no parameter; did you mean 'opt'?"]),
        Case(
            "circle", head + "  a: {values: [1, 2], when: {b: 1}}\n  b: {values: [1, 2], when: {a: 1}}\n",
            ["sweep.yaml:5: parameters.a: its conditions go round in a circle: a → b → a"]),
        Case(
            "all at once",
            head
                + """
                  w: {min: 1.0, max: 0.5}
                  x: {min: -1, max: 1, distribution: log_uniform_values}
                  y: {min: 0.0, max: 1.0, when: {zz: 1}}
                  a: {values: [1, 2], when: {b: 1}}
                  b: {values: [1, 2], when: {a: 1}}
                trials: none

                """,
            [
                "sweep.yaml:5: parameters.w.min: ", "sweep.yaml:6: parameters.x.min: ",
                "sweep.yaml:7: parameters.y.when.zz: ", "sweep.yaml:8: parameters.a: its conditions go round",
                "sweep.yaml:10: trials: ",
            ]),
        Case(
            "method", "method: rndom\nmetric: {name: l}\nparameters: {x: {value: 1}}\n",
            ["sweep.yaml:1: method: ", "'random'"]),
    ])
    func isRefused(file: Case) throws {
        let folder = try SweepFolder(file.text)
        let result = try folder.run("run", "sweep.yaml")
        #expect(result.status == 2)
        #expect(result.output.isEmpty)
        for part in file.expected { #expect(result.error.contains(part), "\(result.error)") }
        #expect(!FileManager.default.fileExists(atPath: folder.data), "nothing is left behind")
    }

    @Test func aMissingFileNamesTheNearest() throws {
        let folder = try SweepFolder("")
        let result = try folder.run("run", "sweeep.yaml")
        #expect(result.status == 2)
        #expect(result.error == "sweepd: sweeep.yaml: no such file: did you mean sweep.yaml?\n")
        let directory = try folder.run("run", ".")
        #expect(directory.status == 2)
        #expect(directory.error.contains("is a directory, not a sweep file: did you mean ./sweep.yaml?"))
    }

    @Test func bytesThatAreNoTextAreRefused() throws {
        let folder = try SweepFolder()
        try Data([0x6E, 0x3A, 0x20, 0xFF, 0xFE]).write(to: URL(fileURLWithPath: folder.path + "/sweep.yaml"))
        let result = try folder.run("run", "sweep.yaml")
        #expect(result.status == 2)
        #expect(result.error.contains("sweep.yaml: not UTF-8 text"))
    }

    @Test func unknownKeysAreWarnedAboutWithTheNearestWord() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 1, parameters: "x: {min: 1.0, max: 2.0, mx: 3}", more: "trails: 3"),
            script: "sweepd report loss=1")
        let result = try folder.run("run", "sweep.yaml")
        #expect(result.status == 0, "\(result.output)")
        let lines = result.error.split(separator: "\n").map(String.init)
        #expect(
            lines == [
                "sweep.yaml:8: parameters.x.mx: unknown key, ignored; did you mean 'max'?",
                "sweep.yaml:10: trails: unknown key, ignored; did you mean 'trials'?",
            ])
    }

    /// Ten to the eleventh values in a few lines.
    static let billionLaughs: String = {
        var lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
        for depth in 1..<12 {
            let aliases = [String](repeating: "*a\(depth - 1)", count: 10).joined(separator: ",")
            lines.append("a\(depth): &a\(depth) [\(aliases)]")
        }
        return lines.joined(separator: "\n")
    }()

    private static let bombs: [String: String] = [
        "billion laughs": billionLaughs, "itself": "a: &a [*a]\n", "brackets": String(repeating: "[", count: 100_000),
        "a long line": "a: " + String(repeating: "x", count: 2 << 20),
    ]

    /// By name: the texts are too long for a log.
    @Test(arguments: bombs.keys.sorted())
    func aBombCostsNeitherMemoryNorTime(name: String) throws {
        let folder = try SweepFolder(Self.bombs[name] ?? "")
        let start = Date()
        let result = try Program.measured(["run", "sweep.yaml"], in: folder.path)
        #expect(result.status == 2)
        #expect(result.error.contains("sweep.yaml"), "\(result.error)")
        #expect(Date().timeIntervalSince(start) < 5)
        #expect(result.peakBytes < 100 << 20, "\(result.peakBytes >> 20) MiB")
    }
}

extension Program {
    struct Measured {
        let status: Int32
        let error: String
        /// The largest resident set seen; looked at every few milliseconds.
        let peakBytes: Int
    }

    /// Runs to the end, and watches its memory.
    static func measured(_ arguments: [String], in directory: String) throws -> Measured {
        let output = directory + "/measured"
        let process = try start(arguments, in: directory, output: output)
        var peak = 0
        while process.isRunning {
            peak = max(peak, peakBytes(of: process.processIdentifier))
            Thread.sleep(forTimeInterval: 0.002)
        }
        process.waitUntilExit()
        let text = String(decoding: FileManager.default.contents(atPath: output) ?? Data(), as: UTF8.self)
        return Measured(status: process.terminationStatus, error: text, peakBytes: peak)
    }

    /// VmHWM.
    static func peakBytes(of process: Int32) -> Int {
        let status = FileManager.default.contents(atPath: "/proc/\(process)/status") ?? Data()
        for line in String(decoding: status, as: UTF8.self).split(separator: "\n") where line.hasPrefix("VmHWM:") {
            return (line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) << 10
        }
        return 0
    }
}

// SPDX-License-Identifier: MIT

import ArgumentParser
import SweepModel

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check whether this machine is fit for sweeps, and say how to mend what is not.",
        discussion: """
            Each line is ok, warn or FAIL; the exit code is 1 when one is FAIL, else 0.

            Example:
              sweepd doctor
              sweepd doctor --data /scratch/sweeps --json
            """)

    @OptionGroup var data: DataOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let location = data.location()
        let checks =
            LibraryChecks.all() + MachineChecks.directories(location) + MachineChecks.limitsAndDevices()
            + PythonChecks.all()
        let isFit = Self.isFit(checks)
        if json {
            Terminal.line(Self.document(checks))
        } else {
            Terminal.line(Version.text)
            for line in HealthCheck.lines(checks) { Terminal.line(line) }
        }
        if !isFit { throw ExitStatus.internalError }
    }

    static func isFit(_ checks: [HealthCheck]) -> Bool { !checks.contains { $0.verdict == .failure } }

    static func document(_ checks: [HealthCheck]) -> String {
        JSONOutput.text(
            "doctor",
            [
                .init("version", .string(Version.number)), .init("fit", .bool(isFit(checks))),
                .init("checks", .array(checks.map(\.json))),
            ])
    }
}

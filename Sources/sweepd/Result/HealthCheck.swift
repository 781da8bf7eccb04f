// SPDX-License-Identifier: MIT

import SweepModel

/// One line of `doctor`.
struct HealthCheck: Hashable, Sendable {
    enum Verdict: String, Sendable {
        case ok, warning = "warn", failure = "FAIL"
    }

    let name: String
    let verdict: Verdict
    /// What was found.
    let finding: String
    /// The line that mends it; nil when all is well.
    let remedy: String?

    static func ok(_ name: String, _ finding: String) -> HealthCheck {
        HealthCheck(name: name, verdict: .ok, finding: finding, remedy: nil)
    }

    static func warning(_ name: String, _ finding: String, remedy: String) -> HealthCheck {
        HealthCheck(name: name, verdict: .warning, finding: finding, remedy: remedy)
    }

    static func failure(_ name: String, _ finding: String, remedy: String) -> HealthCheck {
        HealthCheck(name: name, verdict: .failure, finding: finding, remedy: remedy)
    }

    var json: JSONValue {
        .object([
            .init("name", .string(name)), .init("verdict", .string(verdict.rawValue.lowercased())),
            .init("finding", .string(finding)), .init("remedy", JSONOutput.string(remedy)),
        ])
    }

    static func lines(_ checks: [HealthCheck]) -> [String] {
        let width = checks.map(\.name.count).max() ?? 0
        return checks.flatMap { check in
            let verdict = check.verdict.rawValue + String(repeating: " ", count: 4 - check.verdict.rawValue.count)
            let name = check.name + String(repeating: " ", count: width - check.name.count)
            let first = "\(verdict)  \(name)  \(Format.printable(check.finding))"
            return [first] + (check.remedy.map { ["      \(String(repeating: " ", count: width))→ \($0)"] } ?? [])
        }
    }
}

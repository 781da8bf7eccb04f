// SPDX-License-Identifier: MIT

import GRDB
import OrderedCollections
import SweepEngine
import SweepModel

/// The engine's reading of the journal against the projector's: written apart, they must say the same.
extension StoreReader {
    func compare(_ engine: Engine, _ db: Database, _ report: inout VerificationReport) throws {
        report.sweeps = engine.sweeps.count
        for (id, sweep) in engine.sweeps {
            let row = try Row.fetchOne(
                db, sql: "SELECT state, exhausted FROM sweep WHERE sweep = ?", arguments: [id.number])
            check("sweep \(id)", "state", row?["state"] as String?, Self.word(sweep.phase), &report)
            check("sweep \(id)", "exhausted", row?["exhausted"] as Bool?, sweep.isExhausted, &report)
            report.trials += sweep.trials.count
            try compare(sweep.trials, of: id, db, &report)
        }
        let live = try Row.fetchAll(db, sql: "SELECT fence, state FROM attempt WHERE state <> 'ended' ORDER BY fence")
        check("attempts", "number of live ones", live.count, engine.attempts.count, &report)
        for row in live {
            let fence: Int64 = row["fence"]
            let state = engine.attempts[Fence(fence)]?.state.rawValue
            check("attempt \(fence)", "state", row["state"] as String?, state ?? "ended", &report)
        }
    }

    private func compare(
        _ trials: [Trial], of sweep: SweepID, _ db: Database, _ report: inout VerificationReport
    ) throws {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT number, state, value, infeasible, attempts, losses, failures FROM trial WHERE sweep = ?
                ORDER BY number
                """, arguments: [sweep.number])
        for (number, trial) in trials.enumerated() {
            let name = "trial \(sweep)/\(number)"
            guard let row = try rows.next(), row["number"] == number else {
                report.add("\(name): it is missing, and the engine has it")
                return
            }
            check(name, "state", row["state"] as String, trial.state.rawValue, &report)
            check(name, "value", row["value"] as Double?, trial.value, &report)
            check(name, "infeasible", row["infeasible"] as Bool, trial.isInfeasible, &report)
            check(name, "attempts", row["attempts"] as Int, trial.attempts, &report)
            check(name, "losses", row["losses"] as Int, trial.losses, &report)
            check(name, "failures", row["failures"] as Int, trial.failures, &report)
        }
        if try rows.next() != nil { report.add("sweep \(sweep): more trials than the engine has") }
    }

    private func check<Value: Equatable>(
        _ name: String, _ what: String, _ found: Value?, _ expected: Value?, _ report: inout VerificationReport
    ) {
        guard found != expected else { return }
        func text(_ value: Value?) -> String { value.map { "\($0)" } ?? "none" }
        report.add("\(name): \(what) is \(text(found)), the engine says \(text(expected))")
    }

    private static func word(_ phase: SweepState.Phase) -> String {
        switch phase {
        case .running: "running"
        case .paused: "paused"
        case .finished: "finished"
        }
    }
}

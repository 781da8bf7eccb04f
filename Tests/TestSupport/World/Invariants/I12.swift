// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// The state is what a replay of the journal gives.
enum I12 {
    static func check(_ live: Engine, _ replayed: Engine) -> String? {
        replayDifference(live, replayed).map { "replay: \($0)" }
    }

    /// The whole journal anew, from its bytes; also that every prefix is sound.
    static func check(_ live: Engine, journal: [UInt8], prefixes: Bool) -> String? {
        var engine = Engine(database: live.database, timers: live.timers)
        engine.trapsOnViolation = false
        var wrong: String?
        SimulatedDisk.read(journal) { entry in
            engine.apply(entry)
            guard prefixes, wrong == nil else { return }
            wrong = engine.violatedInvariant().map { "after entry \(engine.eventCount): \($0)" }
            guard wrong == nil, engine.eventCount % 16 == 0 else { return }
            var restarted = engine
            let moment = Moment(wall: entry.at, boot: Instant(milliseconds: 0))
            _ = restarted.start(version: "simulated", now: moment)
            wrong = restarted.violatedInvariant().map { "a restart after entry \(engine.eventCount): \($0)" }
        }
        return wrong ?? check(live, engine)
    }
}

// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import OrderedCollections
import SweepEngine
import SweepModel
import SweepStore

/// Follows a sweep from another process: it reads the journal as it grows, through the same engine and the same view as the
/// run itself.
struct Follower {
    let location: DataDirectory
    let sweep: SweepID
    let isPlain: Bool
    let json: Bool
    var hints: Hints

    init(location: DataDirectory, sweep: SweepID, isPlain: Bool, json: Bool, hints: Hints? = nil) {
        self.location = location
        self.sweep = sweep
        self.isPlain = isPlain
        self.json = json
        self.hints = hints ?? Hints(locating: location, given: nil)
    }

    /// How often it looks.
    private static let interval: Double = 0.2

    /// - Throws: `ExitStatus` by the sweep's end, as `run` does.
    func follow() throws {
        let reader = try StoreReader.open(directory: location.path)
        var engine = Engine(database: try reader.database())
        let follower = SweepFollower()
        follower.follow(sweep, awaited: [], earlier: [:])
        var next: Int64 = 1
        func takeNew() throws -> [JournalEntry] {
            var entries: [JournalEntry] = []
            try reader.journal(from: next) { number, entry in
                entries.append(entry)
                next = number + 1
            }
            for entry in entries { engine.apply(entry) }
            return entries
        }
        _ = try takeNew()
        follower.committed([], engine: engine)
        guard let definition = engine.sweeps[sweep]?.definition else { throw EngineError.unknownSweep(sweep) }
        let stream: Terminal.Stream = json ? .error : .output
        let isLive = Terminal.isInteractive(stream) && !isPlain
        var view: any SweepView = isLive ? LiveView(stream) : PlainView(stream)
        let interrupts = Interrupts {}
        view.begin(SweepHeader(definition: definition, data: location.path, verb: "watched"))
        var outcome: RunSession.Outcome?
        var waits: String?
        while outcome == nil, interrupts.number == 0 {
            let entries = try takeNew()
            follower.committed(entries, engine: engine)
            if let snapshot = follower.snapshot {
                view.update(snapshot, news: follower.takeNews())
                outcome = Self.outcome(snapshot)
                let reason = snapshot.live == 0 ? Self.obstacle(sweep, engine) : nil
                if reason != waits {
                    view.show(waiting: reason)
                    // Where nothing stands still it is a line of its own.
                    if let reason, !isLive { view.say(reason) }
                    waits = reason
                }
            }
            if outcome == nil { Thread.sleep(forTimeInterval: Self.interval) }
        }
        view.end()
        guard let outcome else {
            Terminal.line("no longer watched; the sweep goes on", to: stream)
            throw ExitStatus.interrupted
        }
        try Ending(data: location, sweep: sweep, hints: hints, json: json).tell(outcome)
    }

    private static func obstacle(_ sweep: SweepID, _ engine: Engine) -> String? {
        guard let state = engine.sweeps[sweep], case .running = state.phase,
            let reason = state.definition.shortage(engine.workers.values.map(\.facts.offer))
        else { return nil }
        return "nothing runs: \(Format.printable(reason))"
    }

    private static func outcome(_ snapshot: SweepSnapshot) -> RunSession.Outcome? {
        guard snapshot.live == 0 else { return nil }
        switch snapshot.phase {
        case .finished(let reason): return .finished(reason)
        case .paused(.failures(let message, let tail)): return .paused(.failures(message: message, tail: tail))
        case .running, .paused(.user): return nil
        }
    }
}

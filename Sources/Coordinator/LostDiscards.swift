// SPDX-License-Identifier: MIT

import DequeModule
import SweepEngine
import SweepModel
import WorkerProtocol

/// Discarded checkpoints whose files may still be there: a process can end between the commit and the deletion. The latest
/// that the journal names, since the janitor is never far behind and a journal can hold any number.
struct LostDiscards {
    /// What may be deleted again.
    struct Leftover: Hashable {
        let sweep: SweepID
        let location: String
        /// The attempt's, below a folder of all sweeps.
        let folder: String
    }

    private struct Discard {
        let trial: TrialID
        let location: String
    }

    private let limit: Int
    private var latest: Deque<Discard> = []

    init(limit: Int = 4096) {
        self.limit = limit
    }

    mutating func note(_ event: Event) {
        guard case .checkpointDiscarded(let trial, let location) = event else { return }
        if latest.count == limit { latest.removeFirst() }
        latest.append(Discard(trial: trial, location: location))
    }

    /// In folders of attempts that have ended, which nobody writes into any more: what a script puts elsewhere it may have
    /// written anew since, and what a worker is at now waits for another start. Nothing that overlaps with what is held.
    func leftovers(in engine: Engine) -> [Leftover] {
        var seen: Set<Leftover> = []
        var leftovers: [Leftover] = []
        var held: [SweepID: [Int: [AttemptPlace]]] = [:]
        for discard in latest {
            guard let sweep = engine.sweeps[discard.trial.sweep],
                let place = AttemptPlace(discard.location, sweep: sweep.definition.name),
                // One that continues another has what that one wrote.
                sweep.isOrContinues(discard.trial.number, place.trial),
                engine.attempts[place.fence] == nil, engine.orphans[place.fence] == nil
            else { continue }
            let id = discard.trial.sweep
            let others = held[id] ?? Self.heldByContinuations(sweep)
            held[id] = others
            let own = sweep.checkpoints[place.trial] ?? []
            let kept = AttemptPlace.all(own, sweep: sweep.definition.name) + (others[place.trial] ?? [])
            guard !kept.contains(where: place.overlaps) else { continue }
            let leftover = Leftover(
                sweep: id, location: discard.location,
                folder: DataDirectory.attemptFolder(
                    sweep: sweep.definition.name, trial: place.trial, fence: place.fence))
            if seen.insert(leftover).inserted { leftovers.append(leftover) }
        }
        return leftovers
    }

    /// By the trial whose folder they are in.
    private static func heldByContinuations(_ sweep: SweepState) -> [Int: [AttemptPlace]] {
        let held = sweep.continued.flatMap { sweep.checkpoints[$0] ?? [] }
        return Dictionary(grouping: AttemptPlace.all(held, sweep: sweep.definition.name), by: \.trial)
    }
}

/// Where a location is in its sweep's folder, `TRIAL/aFENCE/rest`, however that is reached.
private struct AttemptPlace {
    let trial: Int
    let fence: Fence
    private let rest: [Substring]

    init?(_ location: String, sweep: String) {
        guard case .path(let path)? = CheckpointLocation(location) else { return nil }
        let folder = DataDirectory.folder(for: sweep)
        let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { Substring($0) }
        for start in parts.indices.dropLast(3) where parts[start] == folder {
            guard let trial = Int(parts[start + 1]), parts[start + 2].first == "a",
                let fence = Int64(parts[start + 2].dropFirst())
            else { continue }
            self.trial = trial
            self.fence = Fence(fence)
            rest = parts[(start + 3)...].filter { $0 != "." }
            return
        }
        return nil
    }

    static func all(_ held: [HeldCheckpoint], sweep: String) -> [AttemptPlace] {
        held.compactMap { AttemptPlace($0.checkpoint.location, sweep: sweep) }
    }

    /// Whether one is the other or lies in it.
    func overlaps(_ other: AttemptPlace) -> Bool {
        trial == other.trial && fence == other.fence && (rest.starts(with: other.rest) || other.rest.starts(with: rest))
    }
}

extension SweepState {
    fileprivate func isOrContinues(_ number: Int, _ ancestor: Int) -> Bool {
        var number = number
        while number != ancestor {
            guard trials.indices.contains(number), let parent = trials[number].source.parent else { return false }
            number = parent
        }
        return true
    }
}

// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel
import WorkerProtocol

/// One fault after the other, of the kinds and as often as the scenario says.
extension World {
    func trouble() {
        guard !isCalm else { return }
        if scenario.weights[FaultKind.restore.rawValue] > 0, isUp, pending == nil, backup == nil || random.chance(0.15)
        {
            backup = disk.image(book)
        }
        // One that finds nothing to spoil makes room for another.
        for _ in 0..<4 {
            let kind = drawnKind()
            if inject(kind) {
                tally.count(kind)
                trace.add(UInt64(kind.rawValue))
                faultsLeft -= 1
                break
            }
        }
        if isUp, isOver { extendWork() }
        if faultsLeft <= 0 { return calmDown() }
        agenda.plan(.fault, at: now + gap(scenario.faultInterval))
    }

    private func drawnKind() -> FaultKind {
        var place = random.int(0...scenario.weights.reduce(0, +) - 1)
        for (kind, weight) in zip(FaultKind.allCases, scenario.weights) {
            if place < weight { return kind }
            place -= weight
        }
        return .crashAfterCommit
    }

    /// Short ones more often; in a mild world all shorter than a quarter of a lease's life.
    private func span(_ shortest: Int64, _ longest: Int64) -> Int64 {
        if scenario.isMild { return Int64(random.int(1000...10_000)) * scenario.scale }
        return Int64(random.skewed(Int(shortest)...Int(random.chance(0.7) ? (shortest + longest) / 16 : longest)))
    }

    /// - Returns: whether there was anything that it could go wrong with.
    private func inject(_ kind: FaultKind) -> Bool {
        let index = random.int(0...workers.count - 1)
        let minute: Int64 = 60_000
        if scenario.isMild {
            if links[index].restsUntil > now { return false }
            // Whatever hits the coordinator hits them all.
            let rest = now + 80_000 * scenario.scale
            if kind.isOfCoordinator {
                if links.contains(where: { $0.restsUntil > now }) { return false }
                for place in links.indices { links[place].restsUntil = rest }
            }
            links[index].restsUntil = rest
        }
        switch kind {
        case .lossStorm, .duplicationStorm, .delayStorm, .corruptionStorm:
            let highest = [0.3, 0.2, 0.4, scenario.isMild ? 0.05 : 0.2][kind.rawValue]
            links[index].stormUntil[kind.rawValue] = now + span(2000, 10 * minute)
            links[index].strength[kind.rawValue] = highest * Double(random.int(10...100)) / 100
            if kind == .delayStorm {
                links[index].longestDelay = Int(min(span(1000, 10 * minute), 10 * minute))
            }
        case .partitionUp: links[index].upBlockedUntil = now + span(1000, 20 * minute)
        case .partitionDown: links[index].downBlockedUntil = now + span(1000, 20 * minute)
        case .partitionBoth:
            links[index].upBlockedUntil = now + span(1000, 20 * minute)
            links[index].downBlockedUntil = links[index].upBlockedUntil
        case .newConnection:
            guard workers[index].isAlive, now >= workers[index].pausedUntil else { return false }
            connect(index)
        case .newRoute: workers[index].connection = newConnection()
        case .crashBeforeCommit, .crashAfterCommit, .crashAfterSend:
            guard isUp, pending == nil, armedCrash == nil else { return false }
            armedCrash = kind
        case .restore:
            guard let backup else { return false }
            crash()
            disk.restore(backup)
            book = backup.book
            for sweep in histories.keys {
                histories[sweep]?.removeAll { $0.position > backup.replayed.eventCount }
            }
        case .diskFull: disk.fullUntil = now + span(minute, 60 * minute)
        case .fsyncError: disk.failsNext = true
        case .slowDisk: disk.slowness = scenario.isMild ? span(1, 1) : Int64(random.int(100...30_000))
        case .workerCrash:
            guard workers[index].isAlive else { return false }
            kill(index, for: span(100, 10 * minute))
        case .workerPause:
            guard workers[index].isAlive else { return false }
            workers[index].pausedUntil = now + span(1000, 120 * minute)
        case .workerLeaves:
            guard workers[index].isAlive, now >= workers[index].pausedUntil else { return false }
            obey(index, workers[index].session.leave(reason: "the end of the day", now: local(index)))
            kill(index, for: span(100, 10 * minute))
        case .childHang, .childCrash, .childStarved: return spoilChild(kind, index)
        case .wallJump: clock.wallOffset += Int64(random.int(-86_400_000...86_400_000))
        case .olderPeer, .newerPeer:
            guard workers[index].isAlive else { return false }
            workers[index].isAlive = false
            spawn(index, versions: drawnVersions(isNewer: kind == .newerPeer))
        case .revocation:
            guard workers[index].isAlive, !workers[index].plan.isLocal else { return false }
            revoked.insert(workers[index].name)
            if isUp { take(.stimulus(.revoke(key: workers[index].name))) }
            workers[index].isRevoked = true
            kill(index, for: span(1000, 10 * minute))
        case .impostor: return meddle(index)
        case .badDecoder: workers[index].hasBadDecoder = true
        }
        return true
    }

    private func drawnVersions(isNewer: Bool) -> ClosedRange<Int> {
        let (lowest, highest) = (ownVersions.lowerBound, ownVersions.upperBound)
        if !isNewer { return max(0, lowest - 1)...max(0, highest - 1) }
        return random.chance(0.7) ? highest...highest + 1 : highest + 1...highest + 1
    }

    private func spoilChild(_ kind: FaultKind, _ index: Int) -> Bool {
        let candidates = workers[index].running.indices.filter { workers[index].children[$0].mode == .training }
        guard !candidates.isEmpty, now >= workers[index].pausedUntil else { return false }
        let place = candidates[random.int(0...candidates.count - 1)]
        let child = workers[index].children[place]
        if kind == .childHang {
            workers[index].children[place].mode = .hung
            workers[index].children[place].nextAt = now + span(1000, 60 * 60_000)
        } else {
            let cause = kind == .childCrash ? AttemptFailure.Cause.signal : .infrastructure
            workers[index].children.remove(at: place)
            let used = Resources(seconds: Double(now - child.begunAt) / 1000)
            record([.failed(AttemptFailure(cause: cause, message: "\(kind)"), used)], child.lease.fence, index)
        }
        planWake(index)
        return true
    }

    /// Says of another worker's lease what only its holder may say.
    private func meddle(_ index: Int) -> Bool {
        let others = book.open.filter { processes[String($0.value.worker.name.suffix(8))]?.worker != index }
        guard workers[index].isAlive, !workers[index].sessionName.isEmpty,
            let fence = others.keys.sorted().first(where: { _ in random.chance(0.5) }) ?? others.keys.min()
        else { return false }
        let next = (book.open[fence]?.sequence ?? 0) + 1
        let failure = AttemptFailure(cause: .user, message: I11.lawless)
        let message: WorkerMessage =
            switch random.int(0...3) {
            case 0: .events([SequencedEvent(fence: fence, sequence: next, event: .warning(I11.lawless))])
            case 1: .events([SequencedEvent(fence: fence, sequence: next, event: .failed(failure, Resources()))])
            case 2: .decline(fence: fence, reason: I11.lawless)
            default: .accept(fence: fence, parametersDigest: I11.lawless)
            }
        sendUp(Envelope(session: workers[index].sessionName, epoch: engine.epoch, message: message), from: index)
        return true
    }
}

extension FaultKind {
    var isOfCoordinator: Bool {
        switch self {
        case .crashBeforeCommit, .crashAfterCommit, .crashAfterSend, .restore, .diskFull, .fsyncError, .slowDisk: true
        default: false
        }
    }
}

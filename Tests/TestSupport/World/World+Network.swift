// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel
import WorkerProtocol

/// The bytes between workers and coordinator. Messages of one direction keep their order, but for those that a storm
/// delays.
extension World {
    static let magic = Array(ProtocolLimits.magic.utf8)

    func sendUp(_ envelope: Envelope<WorkerMessage>, from index: Int) {
        var bytes = MessageCodec.encode(envelope)[1]
        if workers[index].isNewer {
            bytes.insert(contentsOf: Array("\"of_later\":{\"a\":[1,null,\"b\"]},".utf8), at: 1)
        }
        if !isUp, scenario.isImmediate {
            workers[index].session.notQueued(envelope, now: workers[index].clock.boot(now))
            return
        }
        let connection = workers[index].connection
        if now < links[index].upBlockedUntil { return tally.count(.droppedMessage) }
        let identity = workers[index].identity
        post(bytes, index, last: \.lastUp) { bytes, at, isDamaged in
            // The transport's own integrity: what would be read as something else never arrives.
            if isDamaged, let other = try? MessageCodec.decodeWorkerMessage([Self.magic, bytes]), other != envelope {
                return
            }
            agenda.plan(.arriveUp(index, identity, connection, bytes), at: at)
        }
    }

    func sendDown(_ envelope: Envelope<CoordinatorMessage>, to index: Int) {
        let bytes = MessageCodec.encode(envelope)[1]
        trace.add(bytes)
        let connection = workers[index].connection
        if now < links[index].downBlockedUntil { return tally.count(.droppedMessage) }
        post(bytes, index, last: \.lastDown) { bytes, at, isDamaged in
            if isDamaged, let other = try? MessageCodec.decodeCoordinatorMessage([Self.magic, bytes]),
                other != envelope
            {
                return
            }
            agenda.plan(.arriveDown(index, connection, bytes), at: at)
        }
    }

    private func strength(_ kind: FaultKind, _ index: Int) -> Double {
        now < links[index].stormUntil[kind.rawValue] ? links[index].strength[kind.rawValue] : 0
    }

    private func post(
        _ bytes: [UInt8], _ index: Int, last: WritableKeyPath<Link, Int64>, _ plan: ([UInt8], Int64, Bool) -> Void
    ) {
        if random.chance(strength(.lossStorm, index)) { return tally.count(.droppedMessage) }
        var copies = 1
        if random.chance(strength(.duplicationStorm, index)) {
            copies = 2
            tally.count(.doubledMessage)
        }
        for _ in 0..<copies {
            var at = now + Int64(random.int(scenario.networkDelay))
            if random.chance(strength(.delayStorm, index)) {
                tally.count(.delayedMessage)
                at += Int64(random.int(0...max(1, links[index].longestDelay)))
            } else {
                at = max(at, links[index][keyPath: last])
                links[index][keyPath: last] = at
            }
            if random.chance(strength(.corruptionStorm, index)) {
                tally.count(.damagedMessage)
                var damaged = bytes
                damaged[random.int(0...damaged.count - 1)] ^= UInt8(1 << random.int(0...7))
                plan(damaged, at, true)
            } else {
                plan(bytes, at, false)
            }
        }
    }

    func arrive(from index: Int, _ identity: PeerIdentity, _ connection: Connection, _ bytes: [UInt8]) {
        // What is not taken in by a process that ends is lost with it; so is what comes while there is none.
        guard isUp else { return }
        if pending != nil, disk.fullUntil > now, answersBeat(index, connection, bytes) { return }
        take(.message(connection, identity, bytes))
    }

    /// On a full disk the coordinator answers beats and keeps everything else for later.
    private func answersBeat(_ index: Int, _ connection: Connection, _ bytes: [UInt8]) -> Bool {
        guard let envelope = try? MessageCodec.decodeWorkerMessage([Self.magic, bytes]),
            case .beat = envelope.message
        else { return false }
        guard workers[index].connection == connection else { return true }
        sendDown(
            Envelope(session: envelope.session, epoch: engine.epoch, message: .beat(desired: [], drain: false)),
            to: index)
        return true
    }

    func arrive(at index: Int, _ connection: Connection, _ bytes: [UInt8]) {
        guard workers[index].connection == connection, workers[index].isAlive else { return }
        if now < workers[index].pausedUntil {
            workers[index].mailbox.append(bytes)
            return
        }
        receive(bytes, index)
    }
}

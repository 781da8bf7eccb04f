// SPDX-License-Identifier: MIT

import Foundation
import Logging
import SweepModel
import WorkerProtocol
import ZeroMQ

/// What the session wants done.
extension AgentLoop {
    func receive(_ frames: [[UInt8]]) {
        do throws(CodecError) {
            perform(session.received(try MessageCodec.decodeCoordinatorMessage(frames), now: BootClock.now))
        } catch {
            log.warning("a message of the coordinator was dropped: \(error)")
        }
    }

    func perform(_ effects: [WorkerEffect]) {
        for effect in effects {
            switch effect {
            case .send(let envelope): send(envelope)
            case .start(let lease): take(lease)
            case .stop(let fence, let reason): stop(fence, reason: reason)
            case .abandon(let fence, let reason):
                log.info("attempt \(fence) is abandoned: \(reason)")
                waiting.removeAll { $0.fence == fence }
                if let preparation = preparation(fence) { cancel(preparation) }
                attempt(fence)?.terminate(.abandoned, now: BootClock.now)
            case .reconnect: reconnect()
            case .drain(let isWanted):
                coordinatorDrains = isWanted
                handBackWaiting()
            case .refused(let refusal):
                log.error("the coordinator refuses this worker: \(refusal.message)")
                if refusal.code == .revoked { leave(refused: refusal.message) }
            case .closed(let fence): log.debug("attempt \(fence) is closed")
            }
        }
    }

    private func attempt(_ fence: Fence) -> Attempt? { attempts.first { $0.fence == fence } }

    private func preparation(_ fence: Fence) -> Preparation? { preparations.first { $0.lease.fence == fence } }

    private func send(_ envelope: Envelope<WorkerMessage>) {
        do throws(ZMQError) {
            // Refused for want of a peer or of room.
            if !(try link.send(MessageCodec.encode(envelope))) {
                session.notQueued(envelope, now: BootClock.now)
            }
        } catch {
            log.error("a message could not be sent: \(error)")
        }
    }

    private func reconnect() {
        do throws(ZMQError) {
            try link.reconnect()
            perform(session.connected(now: BootClock.now))
        } catch {
            log.warning("cannot open a new connection, the old one stays: \(error)")
        }
    }

    private func take(_ lease: Lease) {
        guard attempt(lease.fence) == nil, preparation(lease.fence) == nil,
            !waiting.contains(where: { $0.fence == lease.fence })
        else { return }
        waiting.append(options.policy.admitted(lease))
        startWaiting()
        handBackWaiting()
    }

    /// Where nothing more begins, what never began is given back at once, and charged to nobody: a coordinator that drains
    /// waits for every lease to end, and of a worker that leaves the last trial may run for days yet.
    func handBackWaiting() {
        guard coordinatorDrains || order != .none else { return }
        let failure = AttemptFailure(cause: .infrastructure, message: "handed back before it began")
        unprepare()
        let leases = waiting
        waiting.removeAll()
        for lease in leases {
            perform(session.record(.failed(failure, Resources()), for: lease.fence, now: BootClock.now))
        }
    }

    private func stop(_ fence: Fence, reason: String) {
        let preparation = preparation(fence)
        if let preparation { cancel(preparation) }
        if preparation != nil || waiting.contains(where: { $0.fence == fence }) {
            waiting.removeAll { $0.fence == fence }
            perform(session.record(.finished(.stopped, Resources(seconds: 0)), for: fence, now: BootClock.now))
        } else {
            attempt(fence)?.terminate(.stop(reason: reason), now: BootClock.now)
        }
    }
}

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
                attempt(fence)?.terminate(.abandoned, now: BootClock.now)
            case .reconnect: reconnect()
            case .drain(let isWanted):
                coordinatorDrains = isWanted
                handBackWaiting()
            case .refused(let refusal): log.error("the coordinator refuses this worker: \(refusal.message)")
            case .closed(let fence): log.debug("attempt \(fence) is closed")
            }
        }
    }

    private func attempt(_ fence: Fence) -> Attempt? { attempts.first { $0.fence == fence } }

    private func send(_ envelope: Envelope<WorkerMessage>) {
        do throws(ZMQError) {
            // Refused for want of a peer or of room.
            if !(try socket.send(MessageCodec.encode(envelope))) {
                session.notQueued(envelope, now: BootClock.now)
            }
        } catch {
            log.error("a message could not be sent: \(error)")
        }
    }

    private func reconnect() {
        do throws(ZMQError) {
            socket = try Self.connect(to: endpoint, in: context)
            perform(session.connected(now: BootClock.now))
        } catch {
            log.warning("cannot open a new connection, the old one stays: \(error)")
        }
    }

    private func take(_ lease: Lease) {
        guard attempt(lease.fence) == nil, !waiting.contains(where: { $0.fence == lease.fence }) else { return }
        waiting.append(lease)
        startWaiting()
        handBackWaiting()
    }

    /// A coordinator that drains waits for every lease to end: those that never began must not keep it. It charges
    /// nobody for them. (One that does not drain would; from it they are released by our goodbye.)
    private func handBackWaiting() {
        guard coordinatorDrains else { return }
        let failure = AttemptFailure(cause: .infrastructure, message: "handed back before it began")
        let leases = waiting
        waiting.removeAll()
        for lease in leases {
            perform(session.record(.failed(failure, Resources()), for: lease.fence, now: BootClock.now))
        }
    }

    private func stop(_ fence: Fence, reason: String) {
        if let index = waiting.firstIndex(where: { $0.fence == fence }) {
            waiting.remove(at: index)
            perform(session.record(.finished(.stopped, Resources(seconds: 0)), for: fence, now: BootClock.now))
        } else {
            attempt(fence)?.terminate(.stop(reason: reason), now: BootClock.now)
        }
    }

    /// Begins leases while slots are free.
    func startWaiting() {
        while !coordinatorDrains, order == .none, !waiting.isEmpty, !freeSlots.isEmpty {
            let lease = waiting.removeFirst()
            let slot = freeSlots.removeFirst()
            do throws(AttemptLaunch.Refusal) {
                let attempt = try begin(lease, slot: slot)
                attempts.append(attempt)
                let now = BootClock.now
                nextSample = min(nextSample ?? now + .seconds(2), now + .milliseconds(200))
                record([.started(resumedFrom: lease.resume?.step)], for: attempt)
            } catch {
                freeSlots.append(slot)
                log.error("attempt \(lease.fence) cannot begin: \(error.failure.message)")
                perform(session.record(.failed(error.failure, Resources()), for: lease.fence, now: BootClock.now))
            }
        }
    }

    private func begin(_ lease: Lease, slot: Int) throws(AttemptLaunch.Refusal) -> Attempt {
        let folder =
            lease.attemptDirectory.isEmpty ? "\(options.scratchDirectory)/\(lease.fence)" : lease.attemptDirectory
        let files = AttemptFiles(folder: folder)
        let pattern: MetricPattern?
        do throws(MetricPattern.Failure) {
            if let text = lease.metricPattern { pattern = try MetricPattern(text) } else { pattern = nil }
        } catch {
            throw AttemptLaunch.Refusal(.user, error.description)
        }
        do {
            try files.write(lease.configuration)
            let socketPath = "\(options.scratchDirectory)/\(lease.fence)"
            let listener = try ReportListener.open(socketPath + ".s")
            let output = try OutputLog.open(path: files.output)
            let environment = ChildEnvironment.variables(
                for: lease, files: files, socket: listener.path, card: cards.isEmpty ? nil : cards[slot],
                options: options)
            let child = try AttemptLaunch(lease: lease, files: files, environment: environment).start()
            options.processGuard?.watch(child.id)
            return Attempt(
                lease: lease, slot: slot, child: child, listener: listener, log: output, pattern: pattern,
                now: BootClock.now)
        } catch let refusal as AttemptLaunch.Refusal {
            throw refusal
        } catch {
            throw AttemptLaunch.Refusal(.infrastructure, "cannot prepare the attempt: \(error)")
        }
    }
}

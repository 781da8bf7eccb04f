// SPDX-License-Identifier: MIT

import Foundation
import Synchronization
import WorkerProtocol
import ZeroMQ

/// What has to be done before an attempt's child can start, and may take long: which checkpoints it may have is judged,
/// its folder on shared storage is made, and the checkpoint it goes on from is read. That happens on a thread of its
/// own, so that the agent hears, beats and reports meanwhile. The attempt has its slot from the beginning.
final class Preparation: Sendable {
    enum Outcome: Sendable {
        /// The lease with what it goes on from.
        case ready(Lease, warnings: [String])
        case refused(AttemptLaunch.Refusal, warnings: [String])
    }

    private struct State {
        var isCancelled = false
        var outcome: Outcome?
    }

    /// As it came: should it have to wait again, all is judged anew.
    let lease: Lease
    let slot: Int
    private let policy: LeasePolicy
    private let state = Mutex(State())

    init(_ lease: Lease, slot: Int, policy: LeasePolicy) {
        self.lease = lease
        self.slot = slot
        self.policy = policy
    }

    static func isNeeded(for lease: Lease) -> Bool { lease.resume != nil || !lease.checkpointDirectory.isEmpty }

    /// Starts the thread, which signals when there is an outcome. The thread inherits the agent's signal mask: no
    /// signal's handler runs on it.
    func start(signalling wakeup: EventDescriptor) {
        let thread = Thread { [self] in
            do throws(ResumeChoice.Cancelled) {
                let outcome = try prepare()
                state.withLock { $0.outcome = outcome }
                wakeup.signal()
            } catch {
                // Nobody waits for it any more.
            }
        }
        thread.name = "sweepd-prepare"
        thread.start()
    }

    /// Nothing will come of it. The thread ends before it reads another MiB; should the storage not answer at all, it
    /// stays behind, and nobody waits for it.
    func cancel() { state.withLock { $0.isCancelled = true } }

    /// nil while the thread is at work.
    var outcome: Outcome? { state.withLock { $0.outcome } }

    private var isCancelled: Bool { state.withLock { $0.isCancelled } }

    private func prepare() throws(ResumeChoice.Cancelled) -> Outcome {
        var (lease, warnings) = policy.reachable(lease)
        if isCancelled { throw ResumeChoice.Cancelled() }
        do throws(AttemptLaunch.Refusal) {
            try AttemptFiles.makeSharedCheckpointFolder(lease.checkpointDirectory)
        } catch {
            return .refused(error, warnings: warnings)
        }
        // Without a newest there are no older ones.
        let candidates = lease.resume.map { [$0] + lease.fallbacks } ?? []
        let choice = try ResumeChoice(among: candidates) { isCancelled }
        lease.resume = choice.checkpoint
        warnings += choice.warnings
        return .ready(lease, warnings: warnings)
    }
}

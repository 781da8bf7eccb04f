// SPDX-License-Identifier: MIT

import Foundation
import Logging
import OrderedCollections
import SearchAlgorithms
import SweepEngine
import SweepModel
import WorkerProtocol

/// What a turn has decided is done, once it is durable.
extension CoordinatorLoop {
    func tellWorkers(_ turn: Turn) {
        var outbox = Outbox()
        for case .send(let connection, let session, let message) in turn.effects {
            outbox.add(message, to: connection, session: session)
        }
        let messages = outbox.messages()
        if !messages.isEmpty { failpoints.reach(.beforeSend) }
        var unreachable: OrderedSet<Connection> = []
        for item in messages {
            let isThere = transport.send(
                complete(item.message, for: item.connection), session: item.session, epoch: engine.epoch,
                to: item.connection)
            if !isThere { unreachable.append(item.connection) }
        }
        if !unreachable.isEmpty { mailbox.post(.stimuli(unreachable.map { .unreachable($0) }, reply: { _ in })) }
        if messages.isEmpty { return }
        // libzmq's thread sends them, and the kernel likes to wake it where this one runs: the worker would wait until
        // the rest of the turn is done.
        sched_yield()
        failpoints.reach(.afterSend)
    }

    /// All else, when the workers have been told.
    ///
    /// - Throws: `NetworkLost`, after everything else was done.
    func finish(_ turn: Turn) throws(NetworkLost) {
        for entry in turn.entries {
            switch entry.event {
            case .proposed(let trial, _, let configuration, _): makers[trial.sweep]?.remember(configuration)
            // Nobody asks it any more, or another definition is searched.
            case .sweepFinished(let sweep, _), .sweepRedefined(let sweep, _): makers[sweep] = nil
            case .coordinatorStarted, .sweepCreated, .sweepPaused, .sweepUnpaused, .spaceExhausted, .workerJoined,
                .workerLeft, .leased, .accepted, .observed, .stopRequested, .judged, .ended, .released, .readopted,
                .trialCancelled, .trialRetried, .asked, .told, .promoted, .retired, .checkpointDiscarded:
                break
            }
        }
        for case .discard(let trial, let location) in turn.effects { discard(location, of: trial) }
        for reply in turn.remoteReplies { transport.send(reply.frames, to: reply.connection) }
        let loss = turn.cutsConnections ? cutConnections() : nil
        for reply in turn.operatorReplies { operators.send(reply) }
        for reply in turn.replies { reply() }
        // Last: with thousands of results a look at them takes a moment, and nobody waits for it.
        for case .propose(let sweep, let index, let count, let stock, let kept) in turn.effects {
            propose(sweep, index: index, count: count, stock: stock, kept: kept)
        }
        if let loss { throw loss }
    }

    private func cutConnections() -> NetworkLost? {
        do {
            try transport.cutRemote()
            return nil
        } catch {
            return NetworkLost(description: "the network's socket cannot be bound again: \(error)")
        }
    }

    private func discard(_ location: String, of trial: TrialID) {
        guard let definition = engine.sweeps[trial.sweep]?.definition else { return }
        // Nothing but the trial's own: a worker could name a key or another sweep's folder. What a continued trial has of
        // the one before it stays for that one to discard.
        let folder = DataDirectory.trialFolder(sweep: definition.name, trial: trial.number)
        janitor.discard(location, below: roots(folder, definition)) { [logger = options.logger] judgement in
            switch judgement {
            case .discarded, .gone: break
            case .elsewhere:
                logger.debug("a checkpoint is left where it is", metadata: ["location": "\(location)"])
            case .refused:
                // Its bytes count as freed, and nobody else will free them.
                logger.warning(
                    "a checkpoint is left where it is: this machine does not reach it, or a link leads there",
                    metadata: ["location": "\(location)"])
            }
        }
    }

    /// What was discarded is deleted, unless its storage does not answer.
    func finishDiscarding() {
        let left = janitor.finish()
        if left == 0 { return }
        options.logger.warning(
            "discarded checkpoints are left: their storage does not answer or is slow; the next start tries again",
            metadata: ["count": "\(left)"])
    }

    private func roots(_ folder: String, _ definition: SweepDefinition) -> [CheckpointJanitor.Root] {
        let bases = ["\(data.path)/sweeps"] + (definition.checkpoints?.path.map { [$0] } ?? [])
        return bases.map { CheckpointJanitor.Root(base: $0, folder: folder) }
    }

    /// What the process before this one may not have come to.
    func discardAgain(_ leftovers: [LostDiscards.Leftover]) {
        let places = leftovers.compactMap { leftover in
            engine.sweeps[leftover.sweep].map { (leftover.location, roots(leftover.folder, $0.definition)) }
        }
        janitor.discardAgain(places, unless: { [mailbox] in mailbox.isShutdownRequested })
    }

    /// The engine knows no paths: leases get the attempt's directory here.
    private func complete(_ message: CoordinatorMessage, for connection: Connection) -> CoordinatorMessage {
        guard case .leases(let leases) = message else { return message }
        // A folder of this machine means nothing on another: a worker there has its own.
        let isElsewhere = WorkerTransport.isRemote(connection)
        return .leases(
            leases.map { lease in
                var lease = lease
                if !isElsewhere {
                    lease.attemptDirectory = data.attemptDirectory(
                        sweep: lease.sweepName, trial: lease.trial, fence: lease.fence)
                }
                if let root = engine.sweeps[lease.sweep]?.definition.checkpoints?.path {
                    lease.checkpointDirectory = DataDirectory.checkpointDirectory(
                        root, sweep: lease.sweepName, trial: lease.trial, fence: lease.fence)
                }
                return lease
            })
    }

    /// Proposals that need no model are computed at once and come back as an event of the next turn; a model's are
    /// computed on a thread of their own and come back when they are made.
    private func propose(_ sweep: SweepID, index: Int, count: Int, stock: Int, kept: Int) {
        guard let state = engine.sweeps[sweep] else { return }
        if makers[sweep] == nil {
            do throws(SamplerError) {
                makers[sweep] = try ProposalMaker(state)
            } catch {
                // The commands check a definition before it is launched; one sweep's fault must not end the others.
                options.logger.error("a sweep is paused", metadata: ["sweep": "\(sweep)", "reason": "\(error)"])
                mailbox.post(.stimuli([.pause(sweep), .proposed(sweep, [])], reply: { _ in }))
                return
            }
        }
        let order = makers[sweep]?.order(
            state, sweep: sweep, stock: stock, kept: kept, position: engine.eventCount,
            hasWorkers: !engine.workers.isEmpty)
        if let order {
            let mailbox = mailbox
            // A look with a fit in it must not hold up those of other sweeps.
            let thread = order.mayFit && !order.fits.isEmpty ? fits : looks
            thread.async {
                guard let made = order.made(isCancelled: { mailbox.isShutdownRequested }) else { return }
                mailbox.post(.made(made))
            }
            return
        }
        let proposals = makers[sweep]?.propose(from: index, count: count) ?? []
        let stimulus: Stimulus = proposals.isEmpty ? .exhausted(sweep) : .proposed(sweep, proposals)
        mailbox.post(.stimuli([stimulus], reply: { _ in }))
    }

    /// What was made for a definition that has changed since is void, and the engine asks again.
    func take(_ made: MadeProposals) -> Stimulus {
        guard makers[made.sweep]?.take(made) == true else { return .proposed(made.sweep, []) }
        orderFit(made.sweep)
        return made.proposals.isEmpty ? .exhausted(made.sweep) : .proposed(made.sweep, made.proposals)
    }

    /// - Returns: whether proposals can be improved by it.
    func take(_ made: MadeFits) -> Bool {
        let isNew = makers[made.sweep]?.take(made) ?? false
        orderFit(made.sweep)
        return isNew
    }

    /// Has the fit that is due made beside the looks, unless nothing will be proposed with it.
    private func orderFit(_ sweep: SweepID) {
        guard engine.sweeps[sweep]?.openTrials != 0, let order = makers[sweep]?.fitOrder(sweep) else { return }
        let mailbox = mailbox
        fits.async {
            if mailbox.isShutdownRequested { return }
            mailbox.post(.fitted(order.made()))
        }
    }
}

// SPDX-License-Identifier: MIT

import Logging
import SweepModel
import WorkerProtocol

/// From an accepted lease to a running child.
extension AgentLoop {
    /// Begins leases while slots are free.
    func startWaiting() {
        while !coordinatorDrains, order == .none, !hasGivenUp, !waiting.isEmpty, !freeSlots.isEmpty {
            let lease = waiting.removeFirst()
            let slot = freeSlots.removeFirst()
            guard Preparation.isNeeded(for: lease) else {
                start(lease, slot: slot)
                continue
            }
            let preparation = Preparation(lease, slot: slot, policy: options.policy)
            preparations.append(preparation)
            preparation.start(signalling: orders.wakeup)
        }
    }

    /// Starts the children of what is prepared.
    func startPrepared() {
        for preparation in preparations {
            guard let outcome = preparation.outcome else { continue }
            preparations.removeAll { $0 === preparation }
            switch outcome {
            case .ready(let lease, let warnings): start(lease, slot: preparation.slot, warnings: warnings)
            case .refused(let refusal, let warnings):
                refuse(preparation.lease, slot: preparation.slot, refusal, told(warnings, of: preparation.lease))
            }
        }
    }

    /// Lets it go. The slot is free at once, whatever its thread still waits for: it has started nothing.
    func cancel(_ preparation: Preparation) {
        preparation.cancel()
        preparations.removeAll { $0 === preparation }
        freeSlots.append(preparation.slot)
    }

    /// What is being prepared has not begun: it waits again, and is given back like all that wait.
    func unprepare() {
        waiting.insert(contentsOf: preparations.map(\.lease), at: 0)
        for preparation in preparations { cancel(preparation) }
    }

    private func start(_ lease: Lease, slot: Int, warnings: [String] = []) {
        let warnings = told(warnings, of: lease)
        do throws(AttemptLaunch.Refusal) {
            let attempt = try begin(lease, slot: slot)
            attempts.append(attempt)
            let now = BootClock.now
            nextSample = min(nextSample ?? now + .seconds(2), now + .milliseconds(200))
            record([.started(resumedFrom: lease.resume?.step)] + warnings, for: attempt)
        } catch {
            refuse(lease, slot: slot, error, warnings)
        }
    }

    private func told(_ warnings: [String], of lease: Lease) -> [AttemptEvent] {
        for warning in warnings { log.warning("attempt \(lease.fence): \(warning)") }
        return warnings.map { .warning($0) }
    }

    private func refuse(
        _ lease: Lease, slot: Int, _ refusal: AttemptLaunch.Refusal, _ warnings: [AttemptEvent] = []
    ) {
        freeSlots.append(slot)
        log.error("attempt \(lease.fence) cannot begin: \(refusal.failure.message)")
        let events = warnings + [.failed(refusal.failure, Resources())]
        perform(session.record(events, for: lease.fence, now: BootClock.now))
    }

    private func begin(_ lease: Lease, slot: Int) throws(AttemptLaunch.Refusal) -> Attempt {
        let folder =
            lease.attemptDirectory.isEmpty ? "\(options.scratchDirectory)/\(lease.fence)" : lease.attemptDirectory
        let files = AttemptFiles(folder: folder, checkpointDirectory: lease.checkpointDirectory)
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
            var environment = ChildEnvironment.variables(
                for: lease, files: files, socket: listener.path, card: cards.visible(to: slot),
                options: options)
            for variable in options.policy.environment(of: lease) { environment[variable.name] = variable.value }
            let child = try AttemptLaunch(
                lease: lease, files: files, environment: environment, enclosure: enclosure
            ).start()
            options.processGuard?.watch(child.id)
            return Attempt(
                lease: lease, slot: slot, child: child, listener: listener, log: output, pattern: pattern,
                now: BootClock.now,
                startLook: { [isLink = options.isLink, wakeup = orders.wakeup] path in
                    CheckpointLook(at: path, isLink: isLink, now: BootClock.now, signalling: wakeup)
                })
        } catch let refusal as AttemptLaunch.Refusal {
            throw refusal
        } catch {
            throw AttemptLaunch.Refusal(.infrastructure, "cannot prepare the attempt: \(error)")
        }
    }
}

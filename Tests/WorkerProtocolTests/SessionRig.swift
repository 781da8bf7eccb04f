// SPDX-License-Identifier: MIT

import SweepModel
import WorkerProtocol

/// A session and the clock, driven by hand.
struct SessionRig {
    var session: WorkerSession
    var now = Instant(milliseconds: 1_000_000)

    init(timers: SessionTimers = SessionTimers()) {
        let hello = Hello(boot: Samples.boot, agent: "a", host: "h", processID: 1, slots: 2)
        session = WorkerSession(hello: hello, timers: timers)
    }

    /// Connected and welcomed.
    static func established(window: Int = 256, holding fences: [Int64] = []) -> SessionRig {
        var rig = SessionRig()
        _ = rig.session.connected(now: rig.now)
        _ = rig.welcome(window: window)
        if !fences.isEmpty { _ = rig.hear(.leases(fences.map { lease($0) })) }
        return rig
    }

    static func lease(_ fence: Int64, trial: Int? = nil) -> Lease {
        let configuration = Configuration([.init("x", .number(Double(fence)))])
        return Lease(
            fence: Fence(fence), sweep: SweepID(1), sweepName: "s", trial: trial ?? Int(fence), attempt: 1,
            configuration: configuration, parametersDigest: ParametersDigest.hex(of: configuration), seed: 1,
            objective: Objective(metric: "loss"))
    }

    mutating func welcome(
        session name: String = "one", epoch: Int64 = 1, window: Int = 256, desired: [DesiredLease] = []
    ) -> [WorkerEffect] {
        let welcome = Welcome(
            version: 1, session: name, epoch: epoch, database: "db", window: window, heartbeat: .seconds(5),
            desired: desired)
        return session.received(
            Envelope(session: name, epoch: epoch, message: .welcome(welcome)), now: now)
    }

    mutating func hear(_ message: CoordinatorMessage, in name: String = "one") -> [WorkerEffect] {
        session.received(Envelope(session: name, epoch: 1, message: message), now: now)
    }

    mutating func record(_ event: AttemptEvent, _ fence: Int64) -> [WorkerEffect] {
        session.record(event, for: Fence(fence), now: now)
    }

    mutating func pass(_ duration: Duration) -> [WorkerEffect] {
        now = now + duration
        return session.tick(now: now)
    }
}

/// Sequence numbers of the events sent for a fence, in order.
func sentSequences(_ effects: [WorkerEffect], _ fence: Int64) -> [Int64] {
    effects.flatMap { effect -> [Int64] in
        guard case .send(let envelope) = effect, case .events(let events) = envelope.message else { return [] }
        return events.filter { $0.fence == Fence(fence) }.map(\.sequence)
    }
}

/// The messages of these effects without their envelopes.
func messages(_ effects: [WorkerEffect]) -> [WorkerMessage] {
    effects.compactMap { if case .send(let envelope) = $0 { envelope.message } else { nil } }
}

func report(_ step: Int64) -> AttemptEvent { .report(step: step, metrics: [MetricValue("loss", 0.5)]) }

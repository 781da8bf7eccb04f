// SPDX-License-Identifier: MIT

import Foundation
import Logging
import SweepModel
import Synchronization
import WorkerProtocol
import ZeroMQ

@testable import WorkerAgent

/// A coordinator of a few lines around a real ROUTER: it welcomes, hands out leases, acknowledges and remembers.
final class SmallCoordinator: Sendable {
    private struct State {
        var leases: [Lease] = []
        var desired: [DesiredLease] = []
        var events: [SequencedEvent] = []
        var accepted: [Fence: String] = [:]
        var declined: [Fence: String] = [:]
        var beats: [Fence: Int] = [:]
        var goodbye: String?
        var isClosing = false
        var drains = false
        var isPaused = false
        var cuts = false
        /// What would have been acknowledged, while it is withheld.
        var withheld: [FenceSequence]?
        var overdue: [FenceSequence] = []
    }

    /// libzmq bears one context a process.
    static let context = Result { try Context() }

    let scratch: Scratch
    private let state = Mutex(State())
    private let wakeup: EventDescriptor
    private let thread = DispatchGroup()
    private let gate: Gate?

    /// - Parameter gate: it listens there, for those who have keys; nil: on a local socket.
    init(gate: Gate? = nil) throws {
        self.gate = gate
        scratch = try Scratch()
        wakeup = try EventDescriptor()
        let context = try Self.context.get()
        let endpoint = try gate?.endpoint ?? Endpoint("ipc://\(scratch.path)/w")
        let bound = DispatchSemaphore(value: 0)
        thread.enter()
        Thread.detachNewThread { [self] in
            defer { thread.leave() }
            do {
                var options = SocketOptions()
                if let gate { options.security = gate.security }
                var router = try Socket(.router, in: context, options: options)
                try router.bind(endpoint)
                bound.signal()
                while !state.withLock({ $0.isClosing }) {
                    if state.withLock({ $0.cuts }) {
                        // The port is free only when the old socket is gone.
                        router = try Socket(.pair, in: context)
                        router = try Socket(.router, in: context, options: options)
                        while (try? router.bind(endpoint)) == nil { usleep(5_000) }
                        state.withLock { $0.cuts = false }
                    }
                    try turn(&router)
                }
            } catch {
                bound.signal()
            }
        }
        bound.wait()
    }

    func close() {
        state.withLock { $0.isClosing = true }
        wakeup.signal()
        thread.wait()
    }

    private func turn(_ router: inout Socket) throws {
        try poll(router, wakeup: wakeup, timeout: .milliseconds(20))
        if state.withLock({ $0.isPaused }) {
            usleep(5_000)
            return
        }
        while let frames = try router.receive() {
            let envelope = try MessageCodec.decodeWorkerMessage(Array(frames.dropFirst()))
            for answer in answers(to: envelope.message) {
                let message = Envelope(session: "s", epoch: 1, message: answer)
                _ = try router.send([frames[0]] + MessageCodec.encode(message))
            }
        }
    }

    /// Leases and wishes travel with whatever is answered; the worker's beats make that often enough.
    private func answers(to message: WorkerMessage) -> [CoordinatorMessage] {
        state.withLock { state in
            var answers: [CoordinatorMessage] = []
            switch message {
            case .hello:
                answers.append(
                    .welcome(
                        Welcome(
                            version: 1, session: "s", epoch: 1, database: "d", window: 256,
                            heartbeat: .milliseconds(50), desired: [])))
            case .events(let events):
                state.events += events.filter { !state.events.contains($0) }
                let acks = events.map { FenceSequence($0.fence, $0.sequence) }
                if state.withheld == nil { answers.append(.ack(acks)) } else { state.withheld? += acks }
            case .accept(let fence, let digest): state.accepted[fence] = digest
            case .bye(let reason): state.goodbye = reason
            case .beat(let leases): for lease in leases { state.beats[lease.fence, default: 0] += 1 }
            case .decline(let fence, let reason): state.declined[fence] = reason
            }
            let open = state.leases.filter { state.accepted[$0.fence] == nil && state.declined[$0.fence] == nil }
            if !open.isEmpty { answers.append(.leases(open)) }
            if !state.overdue.isEmpty { answers.append(.ack(state.overdue)) }
            state.overdue = []
            answers.append(.beat(desired: state.desired, drain: state.drains))
            return answers
        }
    }

    func offer(_ lease: Lease) { state.withLock { $0.leases.append(lease) } }

    func want(_ desired: DesiredLease.State, _ fence: Int64, reason: String = "") {
        state.withLock {
            $0.desired = [DesiredLease(fence: Fence(fence), state: desired, reason: reason, acknowledged: 0)]
        }
    }

    func events(_ fence: Int64) -> [AttemptEvent] {
        state.withLock { state in
            state.events.filter { $0.fence == Fence(fence) }.sorted { $0.sequence < $1.sequence }.map(\.event)
        }
    }

    /// Ends every connection.
    func cut() { state.withLock { $0.cuts = true } }

    /// Says and hears nothing, until told to proceed.
    func pause() { state.withLock { $0.isPaused = true } }

    func proceed() { state.withLock { $0.isPaused = false } }

    /// Events are taken in and not acknowledged, until the next call.
    func withholdAcknowledgements() { state.withLock { $0.withheld = [] } }

    func acknowledgeWithheld() {
        state.withLock { state in
            state.overdue = state.withheld ?? []
            state.withheld = nil
        }
    }

    func drain() { state.withLock { $0.drains = true } }

    var goodbye: String? { state.withLock { $0.goodbye } }
    /// Those that named the lease.
    func beats(_ fence: Int64) -> Int { state.withLock { $0.beats[Fence(fence)] ?? 0 } }
    /// Why it was.
    func declined(_ fence: Int64) -> String? { state.withLock { $0.declined[Fence(fence)] } }
    func digest(_ fence: Int64) -> String? { state.withLock { $0.accepted[Fence(fence)] } }

    /// How the attempt ended.
    func end(_ fence: Int64) -> AttemptEvent? {
        wait {
            switch self.events(fence).last {
            case .finished?, .failed?: self.events(fence).last
            case .started?, .report?, .checkpoint?, .warning?, nil: nil
            }
        }
    }

    func lease(
        _ command: [String], fence: Int64 = 1, parameters: [Configuration.Entry] = [.init("lr", .number(0.1))]
    ) -> Lease {
        let configuration = Configuration(parameters)
        return Lease(
            fence: Fence(fence), sweep: SweepID(1), sweepName: "t", trial: Int(fence), attempt: 1,
            configuration: configuration, parametersDigest: ParametersDigest.hex(of: configuration), seed: .max,
            objective: Objective(metric: "loss"), command: command, program: nil, workingDirectory: scratch.path,
            attemptDirectory: "\(scratch.path)/a\(fence)", grace: .milliseconds(300))
    }

    func agent(
        slots: Int = 2, processGuard: ProcessGuard? = nil, token: String = WorkerAgentOptions.randomToken(),
        enclosure: MemoryEnclosure? = nil, change: (inout WorkerAgentOptions) -> Void = { _ in }
    ) throws -> WorkerAgent {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        var options = WorkerAgentOptions(
            endpoint: "ipc://\(scratch.path)/w", slots: slots, scratchDirectory: "\(scratch.path)/s", token: token,
            processGuard: processGuard, logger: logger)
        options.enclosure = enclosure
        options.connection = gate?.connection
        change(&options)
        let agent = try WorkerAgent(options: options, context: try Self.context.get())
        try agent.start()
        return agent
    }
}

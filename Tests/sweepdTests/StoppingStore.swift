// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import SweepEngine
import SweepModel
import SweepStore
import WorkerProtocol

@testable import sweepd

/// A data directory with a sweep under ASHA, built event by event.
struct StoppingStore {
    let location: DataDirectory
    private let store: Store
    private var clock: Int64 = 1_700_000_000_000
    private var fence: Int64 = 0
    private var count = 0

    static let sweep = SweepID(1)
    static let worker = WorkerID("w")

    static func definition(
        _ termination: EarlyTermination? = EarlyTermination(
            rule: .asha(.init(minimumStep: 1, maximumStep: 27, eta: 3), .stopping), maximumStep: 27),
        method: SweepDefinition.Method = .random, trials: Int? = 20
    ) -> SweepDefinition {
        var definition = Synthetic.definition(trials: trials)
        definition.method = method
        definition.earlyTermination = termination
        return definition
    }

    static func verdict(
        _ rule: Verdict.Rule = .asha, action: Verdict.Action = .stop, step: Int64 = 9, value: Double = 0.52
    ) -> Verdict {
        Verdict(
            rule: rule, action: action, step: step, value: value, threshold: 0.41, peers: 14, better: 8,
            named: [3, 7, 1], rung: step)
    }

    init(_ definition: SweepDefinition = definition()) throws {
        location = DataDirectory(NSTemporaryDirectory() + "/sweepd-tests-\(UUID().uuidString)")
        store = try Store.open(directory: location.path, options: StoreOptions(allowsUnsafeFileSystem: true))
        try add(
            .coordinatorStarted(epoch: 1, version: "test"),
            .sweepCreated(Self.sweep, definition, directory: "/sweeps"),
            .workerJoined(
                Self.worker, WorkerFacts(agent: "a", host: "h", processID: 1, slots: 2, isLocal: true)))
    }

    func remove() {
        store.close()
        try? FileManager.default.removeItem(atPath: location.path)
    }

    mutating func add(_ events: Event...) throws {
        var entries: [JournalEntry] = []
        for event in events {
            clock += 1000
            entries.append(JournalEntry(at: Timestamp(milliseconds: clock), event: event))
        }
        try store.append(entries)
    }

    /// - Returns: the trial's number.
    @discardableResult
    mutating func propose(_ source: TrialSource? = nil, basis: ProposalBasis? = nil) throws -> Int {
        let number = count
        count += 1
        try add(
            .proposed(
                TrialID(sweep: Self.sweep, number: number), source ?? .sampler(index: number),
                Synthetic.configuration(lr: 0.01 * Double(number + 1)), basis: basis))
        return number
    }

    /// - Returns: the attempt's fence.
    @discardableResult
    mutating func start(_ trial: Int, attempt: Int = 1, from step: Int64? = nil) throws -> Fence {
        fence += 1
        let fence = Fence(fence)
        try add(
            .leased(fence, TrialID(sweep: Self.sweep, number: trial), Self.worker, attempt: attempt), .accepted(fence),
            .observed(fence, sequence: 1, .started(resumedFrom: step)))
        return fence
    }

    mutating func report(_ fence: Fence, step: Int64, _ loss: Double) throws {
        try add(.observed(fence, sequence: step + 1, .report(step: step, metrics: [MetricValue("loss", loss)])))
    }

    mutating func save(_ fence: Fence, step: Int64, at location: String) throws {
        let checkpoint = Checkpoint(step: step, location: location, digest: "", bytes: 1)
        try add(.observed(fence, sequence: 100 + step, .checkpoint(checkpoint)))
    }

    mutating func end(
        _ fence: Fence, _ state: Settlement.State, value: Double? = nil, step: Int64? = nil, seconds: Double = 10
    ) throws {
        let resources = Resources(seconds: seconds)
        let settlement = Settlement(state: state, value: value, step: step)
        try add(.ended(fence, sequence: 200, .finished(.completed, resources), .settled(settlement)))
    }

    /// A trial that reported one value and ended with it.
    @discardableResult
    mutating func run(
        _ value: Double, to step: Int64, state: Settlement.State = .completed, _ verdict: Verdict? = nil,
        _ enforcement: Enforcement = .stopped
    ) throws -> Int {
        let trial = try propose()
        let fence = try start(trial)
        try report(fence, step: step, value)
        if let verdict { try add(.judged(fence, verdict, enforcement)) }
        try end(fence, state, value: value, step: step)
        return trial
    }

    /// The sweep as a command finds it.
    func subject(isLive: Bool = false) throws -> Subject {
        let reader = try ResultReader(location)
        var sweep = try reader.sweep(id: Self.sweep)
        sweep.isLive = isLive
        return Subject(location: location, reader: reader, sweep: sweep, hints: Hints(data: nil))
    }

    func why(_ trial: Int, isLive: Bool = false) throws -> String {
        let subject = try subject(isLive: isLive)
        return try subject.reader.story(of: trial, in: subject).text
    }
}

/// Runs the body with a store that is removed afterwards.
func withStoppingStore(
    _ definition: SweepDefinition = StoppingStore.definition(), _ body: (inout StoppingStore) throws -> Void
) throws {
    var store = try StoppingStore(definition)
    defer { store.remove() }
    try body(&store)
}

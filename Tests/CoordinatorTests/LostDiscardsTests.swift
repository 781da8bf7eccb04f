// SPDX-License-Identifier: MIT

import Foundation
import Logging
import SweepEngine
import SweepModel
import SweepStore
import Testing
import WorkerProtocol
import ZeroMQ

@testable import Coordinator

/// A process may end after it has journaled that a checkpoint is discarded and before its files are deleted.
@Suite(.serialized, .timeLimit(.minutes(1))) struct LostDiscardsTests {
    private static let sweep = SweepID(1)
    private let data = DataDirectory(NSTemporaryDirectory() + "/sweepd-lost-\(UInt32.random(in: .min ... .max))")
    private let definition = SweepDefinition(
        name: "s", method: .random, objective: Objective(metric: "loss"),
        space: SearchSpace([Parameter("x", .real(law: .uniform(low: -1, high: 1), quantum: nil))]), trials: 9, seed: 7,
        command: ["true"])

    private func place(_ trial: Int, _ fence: Int64, _ name: String) -> String {
        data.attemptDirectory(sweep: "s", trial: trial, fence: Fence(fence)) + "/" + name
    }

    private func id(_ number: Int) -> TrialID { TrialID(sweep: Self.sweep, number: number) }

    /// A trial that has saved these.
    private func began(_ trial: Int, _ fence: Int64, _ locations: [String]) -> [Event] {
        let started: [Event] = [
            .proposed(id(trial), .sampler(index: trial), Configuration([.init("x", .number(Double(trial) / 10))])),
            .leased(Fence(fence), id(trial), WorkerID("w"), attempt: 1), .accepted(Fence(fence)),
            .observed(Fence(fence), sequence: 1, .started(resumedFrom: nil)),
        ]
        return started + locations.enumerated().map { place, location in saved(fence, Int64(place + 2), location) }
    }

    private func saved(_ fence: Int64, _ sequence: Int64, _ location: String) -> Event {
        .observed(
            Fence(fence), sequence: sequence,
            .checkpoint(Checkpoint(step: sequence, location: location, digest: "", bytes: 1)))
    }

    private func ended(_ fence: Int64, _ sequence: Int64) -> Event {
        .ended(
            Fence(fence), sequence: sequence, .finished(.completed, Resources()),
            .settled(Settlement(state: .completed, value: 1)))
    }

    /// Trial 0 is over and continued by trial 2, trial 1 is still at work on a worker that outlives the coordinator.
    private var events: [Event] {
        let facts = WorkerFacts(agent: "a", host: "h", processID: 1, slots: 2, isLocal: false)
        var events: [Event] = [
            .coordinatorStarted(epoch: 1, version: "test"),
            .sweepCreated(Self.sweep, definition, directory: data.path), .workerJoined(WorkerID("w"), facts),
        ]
        events += began(0, 1, ["old", "again", "shared", "last"].map { place(0, 1, $0) } + [place(0, 1, "kept/part")])
        events += ["old", "again", "kept/part"].map { .checkpointDiscarded(id(0), location: place(0, 1, $0)) }
        events += [saved(1, 7, place(0, 1, "again")), saved(1, 8, place(0, 1, "kept"))]
        // Not in an attempt's folder, and in another trial's.
        let elsewhere = [data.trialDirectory(sweep: "s", trial: 0) + "/own", place(1, 2, "old")]
        for (number, location) in elsewhere.enumerated() {
            events += [saved(1, Int64(9 + number), location), .checkpointDiscarded(id(0), location: location)]
        }
        events += [ended(1, 11)]
        events += began(1, 2, ["old", "last"].map { place(1, 2, $0) })
        events += [.checkpointDiscarded(id(1), location: place(1, 2, "old"))]
        events += [
            .proposed(id(2), .continuation(of: 0, until: 99), Configuration([.init("x", .number(0))])),
            .checkpointDiscarded(id(0), location: place(0, 1, "shared")),
        ]
        return events
    }

    private func entries(_ events: [Event]) -> [JournalEntry] {
        events.enumerated().map {
            JournalEntry(at: Timestamp(milliseconds: 1_700_000_000_000 + Int64($0.offset)), event: $0.element)
        }
    }

    /// What a crash left of what was discarded.
    private func leftovers(_ events: [Event], limit: Int = 100) -> [String] {
        var engine = Engine(database: "d")
        var lost = LostDiscards(limit: limit)
        for entry in entries(events) {
            engine.apply(entry)
            lost.note(entry.event)
        }
        return lost.leftovers(in: engine).map(\.location)
    }

    @Test func onlyWhatNobodyHoldsOrWritesIsLeft() {
        #expect(leftovers(events) == [place(0, 1, "old")])
        // The one that continues it has let go of it too, and the attempt on the worker has ended.
        let later = events + [.checkpointDiscarded(id(2), location: place(0, 1, "shared")), ended(2, 4)]
        #expect(Set(leftovers(later)) == [place(0, 1, "old"), place(0, 1, "shared"), place(1, 2, "old")])
    }

    @Test func theLatestAreRemembered() {
        let names = (0..<20).map { "step-\($0)" }
        let discards: [Event] = names.dropLast().map {
            .checkpointDiscarded(id(0), location: place(0, 1, $0))
        }
        let start: [Event] = Array(self.events[..<3]) + began(0, 1, names.map { place(0, 1, $0) })
        #expect(leftovers(start + discards + [ended(1, 22)], limit: 3) == names[16..<19].map { place(0, 1, $0) })
    }

    @Test func aStartDeletesThem() throws {
        defer { try? FileManager.default.removeItem(atPath: data.path) }
        let store = try Store.open(directory: data.path)
        try store.append(entries(events))
        store.close()
        let all =
            ["old", "again", "shared", "last", "kept/part"].map { place(0, 1, $0) }
            + [place(1, 2, "old"), place(1, 2, "last"), data.trialDirectory(sweep: "s", trial: 0) + "/own"]
        for folder in all { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
        let coordinator = try Coordinator(
            data: data, context: try Context(),
            options: CoordinatorOptions(version: "test", logger: Logger(label: "test")), observer: Unobserved())
        _ = try coordinator.start()
        let deadline = ContinuousClock.now + .seconds(10)
        while FileManager.default.fileExists(atPath: all[0]), ContinuousClock.now < deadline {
            Thread.sleep(forTimeInterval: 0.01)
        }
        coordinator.shutdown()
        #expect(all.filter { !FileManager.default.fileExists(atPath: $0) } == [all[0]])
    }
}

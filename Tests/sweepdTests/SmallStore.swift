// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import SweepEngine
import SweepModel
import SweepStore
import WorkerProtocol

@testable import sweepd

/// A data directory with one sweep of four trials: completed, stopped, failed with a retry, running.
struct SmallStore {
    let location: DataDirectory
    private var clock: Int64 = 1_700_000_000_000
    private var entries: [JournalEntry] = []

    init() throws {
        let path = NSTemporaryDirectory() + "/sweepd-tests-\(UUID().uuidString)"
        location = DataDirectory(path)
        let store = try Store.open(directory: path, options: StoreOptions(allowsUnsafeFileSystem: true))
        fill()
        try store.append(entries)
        store.close()
    }

    func remove() { try? FileManager.default.removeItem(atPath: location.path) }

    private mutating func add(_ event: Event) {
        clock += 1000
        entries.append(JournalEntry(at: Timestamp(milliseconds: clock), event: event))
    }

    private mutating func fill() {
        let sweep = SweepID(1), worker = WorkerID("w")
        add(.coordinatorStarted(epoch: 1, version: "test"))
        add(.sweepCreated(sweep, Synthetic.definition(trials: 4), directory: "/sweeps"))
        add(.workerJoined(worker, WorkerFacts(agent: "a", host: "h", processID: 1, slots: 4, isLocal: true)))
        for number in 0..<4 {
            let source: TrialSource = number == 0 ? .baseline(0) : .sampler(index: number - 1)
            let configuration = Synthetic.configuration(lr: 0.1 * Double(number + 1))
            add(.proposed(TrialID(sweep: sweep, number: number), source, configuration))
        }
        run(0, fence: 1, worker, losses: [0.9, 0.5])
        let used = Resources(seconds: 3, secondsPerStep: 1.5, peakMemoryBytes: 1 << 20)
        end(1, .finished(.completed, used), .settled(Settlement(state: .completed, value: 0.5, step: 2)))
        run(1, fence: 2, worker, losses: [0.8])
        add(.stopRequested(Fence(2), reason: "hopeless"))
        end(2, .finished(.stopped, used), .settled(Settlement(state: .stopped, value: 0.8, step: 1)))
        let failure = AttemptFailure(cause: .user, message: "exit code 3", exitCode: 3, tail: "Traceback\nNameError: x")
        run(2, fence: 3, worker, losses: [])
        end(3, .failed(failure, Resources(seconds: 1)), .requeued(charged: true))
        run(2, fence: 4, worker, attempt: 2, losses: [])
        end(4, .failed(failure, Resources(seconds: 1)), .settled(Settlement(state: .failed)))
        run(3, fence: 5, worker, losses: [0.7])
    }

    private mutating func run(_ trial: Int, fence: Int64, _ worker: WorkerID, attempt: Int = 1, losses: [Double]) {
        let fence = Fence(fence)
        add(.leased(fence, TrialID(sweep: SweepID(1), number: trial), worker, attempt: attempt))
        add(.accepted(fence))
        add(.observed(fence, sequence: 1, .started(resumedFrom: nil)))
        for (index, loss) in losses.enumerated() {
            let metrics = [MetricValue("loss", loss), MetricValue("acc", 1 - loss)]
            add(.observed(fence, sequence: Int64(index + 2), .report(step: Int64(index + 1), metrics: metrics)))
        }
    }

    private mutating func end(_ fence: Int64, _ event: AttemptEvent, _ disposition: Disposition) {
        add(.ended(Fence(fence), sequence: 9, event, disposition))
    }
}

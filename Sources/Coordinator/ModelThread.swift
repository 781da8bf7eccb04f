// SPDX-License-Identifier: MIT

import CProcess
import DequeModule
import Foundation

/// Where a model's work is done, one piece after the other.
///
/// A thread of our own because of how it is scheduled: it takes no processor from others when it wakes, and one that looks
/// wakes in the turn in which a worker gets its next trial. On two processors a thread as any other took the one on which the
/// worker was about to read that, for a time slice of 3 ms.
final class ModelThread: Sendable {
    private let queue = Queue()

    // SAFETY: everything that changes is touched with the lock of `condition` held.
    private final class Queue: @unchecked Sendable {
        /// Broadcast at every change.
        let condition = NSCondition()
        var work: Deque<@Sendable () -> Void> = []
        var isBusy = false
        var isOver = false

        func change(_ body: (Queue) -> Void) {
            condition.withLock { body(self) }
            condition.broadcast()
        }

        /// The next piece of work, when there is one; nil when there will be none.
        func next() -> (@Sendable () -> Void)? {
            condition.withLock {
                while work.isEmpty, !isOver { condition.wait() }
                if isOver { return nil }
                isBusy = true
                return work.removeFirst()
            }
        }

        func waitUntilIdle() {
            condition.withLock {
                while isBusy || !work.isEmpty { condition.wait() }
            }
        }
    }

    /// - Parameter niceness: above zero it stays behind the trials, which need the processors as well.
    init(_ name: String, niceness: Int32) {
        let thread = Thread { [queue] in
            sweepd_thread_gives_way(niceness)
            while let work = queue.next() {
                work()
                queue.change { $0.isBusy = false }
            }
        }
        thread.name = name
        thread.start()
    }

    /// What has not begun is not done any more.
    deinit {
        queue.change { $0.isOver = true }
    }

    func async(_ work: @escaping @Sendable () -> Void) {
        queue.change { $0.work.append(work) }
    }

    /// Returns when all that was ordered is done.
    func wait() {
        queue.waitUntilIdle()
    }
}

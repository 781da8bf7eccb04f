// SPDX-License-Identifier: MIT

import Foundation
import Synchronization
import Testing

@testable import Coordinator

/// Looks and fits are made in order, and nobody else waits for them.
@Suite struct ModelThreadTests {
    @Test func oneAfterTheOtherInOrder() {
        let thread = ModelThread("models", niceness: 2)
        let done = Mutex<[Int]>([])
        for number in 0..<100 {
            thread.async { done.withLock { $0.append(number) } }
        }
        thread.wait()
        #expect(done.withLock { $0 } == Array(0..<100))
    }

    @Test func itTakesNoProcessorFromAnother() {
        let thread = ModelThread("models", niceness: 2)
        let policy = Mutex<CInt>(-1)
        thread.async { policy.withLock { $0 = sched_getscheduler(0) } }
        thread.wait()
        // SCHED_BATCH, whose name Swift does not import.
        #expect(policy.withLock { $0 } == 3)
        #expect(sched_getscheduler(0) == 0)
    }
}

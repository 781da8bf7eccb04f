// SPDX-License-Identifier: MIT

import Coordinator
import SweepEngine

/// For coordinators that nobody looks at.
struct Unobserved: CoordinatorObserver {
    func committed(_ entries: [JournalEntry], engine: borrowing Engine) {}
    func storeIsFull(_ isFull: Bool) {}
}

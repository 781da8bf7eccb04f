// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import Synchronization
import WorkerProtocol
import ZeroMQ

/// A look at whether a reported checkpoint's path is a link, on a thread of its own: it lies on storage that may not
/// answer, and the agent has to beat meanwhile.
final class CheckpointLook: Sendable {
    /// Then it counts as none: whoever goes on from it looks again, and what is saved must not be lost for it.
    static let limit = Duration.seconds(5)

    let deadline: Instant
    private let found = Mutex<Bool?>(nil)

    /// Starts the thread, which signals when it knows. Should the storage not answer at all it stays behind, and nobody
    /// waits for it.
    init(
        at path: String, isLink: @escaping @Sendable (String) -> Bool, now: Instant, signalling wakeup: EventDescriptor
    ) {
        deadline = now + Self.limit
        let thread = Thread { [self] in
            let isLink = isLink(path)
            found.withLock { $0 = isLink }
            wakeup.signal()
        }
        thread.name = "sweepd-look"
        thread.start()
    }

    /// nil while nobody knows.
    var isLink: Bool? { found.withLock { $0 } }
}

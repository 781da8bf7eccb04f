// SPDX-License-Identifier: MIT

import CProcess
import Foundation
import Synchronization

/// A small process that outlives this one's death, also by SIGKILL, just long enough to kill the process groups it was
/// told of, and what has left them. The kernel ends the direct children by itself; the guard is for what they started.
package final class ProcessGuard: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// The guard's own process.
    package let processID: Int32
    private let writeEnd: Mutex<Int32>

    private init(processID: Int32, writeEnd: Int32) {
        self.processID = processID
        self.writeEnd = Mutex(writeEnd)
    }

    /// Forks the guard. Call it first thing: before any thread is made and before libzmq's context.
    package static func start() throws(Failure) -> ProcessGuard {
        var writeEnd: Int32 = -1
        let processID = sweepd_guard_start(&writeEnd)
        guard processID > 0 else { throw Failure(description: "cannot start the guard: \(Files.text(of: errno))") }
        return ProcessGuard(processID: processID, writeEnd: writeEnd)
    }

    /// Everything that was started with `SWEEPD_AGENT=token` is to be killed, too: what left its group by setsid.
    package func watch(token: String) { write("=\(token)\n") }

    /// Every process in the agent's control group is to be killed, too.
    package func watch(_ enclosure: MemoryEnclosure) {
        if let path = enclosure.controlGroup { write("\(path)\n") }
    }

    package func watch(_ group: Int32) { write("+\(group)\n") }

    package func forget(_ group: Int32) { write("-\(group)\n") }

    /// Lets the guard go: it kills what it still remembers, and ends.
    package func end() {
        let wasOpen = writeEnd.withLock { end in
            defer { end = -1 }
            if end >= 0 { close(end) }
            return end >= 0
        }
        if wasOpen { waitpid(processID, nil, 0) }
    }

    private func write(_ line: String) {
        // A guard that someone killed leaves a broken pipe: the kernel's own rule for direct children remains. The
        // agent's thread blocks SIGPIPE.
        writeEnd.withLock { end in
            if end >= 0 { _ = Files.append(Array(line.utf8)[...], to: end) }
        }
    }
}

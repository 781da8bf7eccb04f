// SPDX-License-Identifier: MIT

import Foundation
import SweepModel

/// Processes that a coordinator's sudden end left behind: those whose environment holds its agent's token.
package enum Leftovers {
    /// A process named for good.
    package struct Found: Hashable, Sendable {
        package let processID: Int32
        /// Clock ticks since boot.
        package let start: UInt64
    }

    /// Every process of ours with `SWEEPD_AGENT=token`, this one excepted.
    package static func find(token: String) -> [Found] {
        if token.isEmpty { return [] }
        let own = getuid()
        return ProcessTable.ids.compactMap { id in
            var status = stat()
            guard id != getpid(), stat("/proc/\(id)", &status) == 0, status.st_uid == own,
                let start = ProcessTable.entry(id)?.start,
                ProcessTable.variable("SWEEPD_AGENT", of: id) == token
            else { return nil }
            return Found(processID: id, start: start)
        }
    }

    /// Kills what attempts that are over left outside their process groups (setsid): it may hold the memory of a card
    /// whose slot has gone to another trial.
    ///
    /// - Parameter live: the fences of the attempts that are not over.
    static func killStrays(token: String, live: Set<String>) {
        for process in find(token: token) {
            guard let fence = ProcessTable.variable("SWEEPD_FENCE", of: process.processID), !live.contains(fence),
                ProcessTable.entry(process.processID)?.start == process.start
            else { continue }
            _ = Glibc.kill(process.processID, SIGKILL)
        }
    }

    /// Kills what one attempt left outside its process group, now that it is over.
    static func killStrays(token: String, fence: String) {
        // Again while there are some, because they may be starting others; a few rounds, because the agent waits. The
        // looks at memory find the rest.
        for _ in 0..<5 {
            var isDone = true
            for process in find(token: token) {
                guard ProcessTable.variable("SWEEPD_FENCE", of: process.processID) == fence,
                    ProcessTable.entry(process.processID)?.start == process.start
                else { continue }
                if Glibc.kill(process.processID, SIGKILL) == 0 { isDone = false }
            }
            if isDone { return }
        }
    }

    /// Kills them, and those they start meanwhile, until none is found or the time is up.
    ///
    /// - Returns: how many processes were killed.
    /// - Throws: nothing; what survives (uninterruptible sleep) is found again by the next call.
    @discardableResult
    package static func kill(token: String, within limit: Duration = .seconds(5)) -> Int {
        let deadline = BootClock.now + limit
        var killed: Set<Found> = []
        var wasEmpty = false
        while true {
            let found = find(token: token)
            for process in found {
                // Between the look and the shot the number may have gone to another process.
                guard ProcessTable.entry(process.processID)?.start == process.start else { continue }
                if Glibc.kill(process.processID, SIGKILL) == 0 { killed.insert(process) }
            }
            // Twice: in the middle of an exec a process has no environment to be known by.
            if found.isEmpty && wasEmpty || BootClock.now >= deadline { return killed.count }
            wasEmpty = found.isEmpty
            usleep(5_000)
        }
    }
}

// SPDX-License-Identifier: MIT

import Foundation
import Logging
import SweepModel

/// What attempts leave on a worker elsewhere.
extension AgentLoop {
    /// Removes what is older than its owner wants kept, once an hour, on a thread of its own: it may be large.
    func cleanFiles(_ now: Instant) {
        guard let limit = options.keepFiles, options.policy.isElsewhere, now >= nextCleaning ?? now else { return }
        nextCleaning = now + .seconds(3600)
        let folders = AttemptFolders(root: options.policy.attemptsDirectory)
        let leases = attempts.map(\.lease) + waiting + preparations.map(\.lease)
        let since = time(nil) - Int(limit.components.seconds)
        let log = log
        let thread = Thread {
            let old = folders.untouched(since: since, except: leases)
            // A lease may come meanwhile that wanted to go on from there: it finds nothing, and falls back.
            for folder in old { try? FileManager.default.removeItem(atPath: folder) }
            if !old.isEmpty { log.info("removed the files of \(old.count) old attempts (--keep-files)") }
        }
        thread.name = "sweepd-clean"
        thread.start()
    }
}

// SPDX-License-Identifier: MIT

#if DEBUG
import Foundation
import SweepEngine

extension EngineTimers {
    /// For campaigns that cannot wait a minute for a lease to end: `SWEEPD_TIMERS=heartbeat:0.2,suspect:0.6,lease:1.5`,
    /// in seconds. In debug builds only: a release build keeps its promises to workers whatever its environment says.
    ///
    /// - Throws: `UserError` on an unknown name or a number that is none.
    func accelerated(
        _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> EngineTimers {
        var timers = self
        for item in (environment["SWEEPD_TIMERS"] ?? "").split(separator: ",") {
            let parts = item.split(separator: ":").map(String.init)
            guard parts.count == 2, let seconds = Double(parts[1]), (0.001...86_400).contains(seconds) else {
                throw UserError("SWEEPD_TIMERS: '\(item)' is not name:seconds")
            }
            let duration = Duration.milliseconds(Int(seconds * 1000))
            switch parts[0] {
            case "heartbeat": timers.heartbeat = duration
            case "suspect": timers.suspect = duration
            case "lease": timers.leaseLifetime = duration
            case "grace": timers.resumeGrace = duration
            case "offer": timers.offerTimeout = duration
            case "rest": timers.longestRest = duration
            case "quarantine": timers.quarantine = duration
            default: throw UserError("SWEEPD_TIMERS: there is no timer '\(parts[0])'")
            }
        }
        return timers
    }
}
#endif

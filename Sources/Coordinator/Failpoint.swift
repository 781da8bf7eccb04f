// SPDX-License-Identifier: MIT

import Foundation

/// Named places at which a test has the process killed: `SWEEPD_FAILPOINT=after_commit:7` ends it at the seventh time it
/// comes there. In debug builds only; a release build has no such places.
enum Failpoint: String {
    case beforeCommit = "before_commit"
    case afterCommit = "after_commit"
    case beforeSend = "before_send"
    case afterSend = "after_send"
    case beforeEnrolment = "before_enrolment"
    case afterEnrolment = "after_enrolment"
    case beforeRevocation = "before_revocation"
    case afterRevocation = "after_revocation"

    #if DEBUG
    /// Only the coordinator's thread counts.
    final class Countdown {
        private let name: String
        private var left: Int

        init(_ environment: [String: String] = ProcessInfo.processInfo.environment) {
            let parts = (environment["SWEEPD_FAILPOINT"] ?? "").split(separator: ":")
            name = parts.first.map(String.init) ?? ""
            left = parts.count > 1 ? Int(parts[1]) ?? 1 : 1
        }

        func reach(_ point: Failpoint) {
            guard point.rawValue == name else { return }
            left -= 1
            if left == 0 { kill(getpid(), SIGKILL) }
        }
    }
    #else
    struct Countdown {
        init() {}
        func reach(_ point: Failpoint) {}
    }
    #endif
}

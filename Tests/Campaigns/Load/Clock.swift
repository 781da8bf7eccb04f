// SPDX-License-Identifier: MIT

import Foundation
import SweepModel

enum Clock {
    /// The same clock as the driver's `time.CLOCK_BOOTTIME`.
    static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

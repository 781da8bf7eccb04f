// SPDX-License-Identifier: MIT

import Foundation
package import SweepEngine
package import SweepModel

/// The only place the coordinator reads a clock.
package enum Clock {
    /// `CLOCK_BOOTTIME` counts suspend, `CLOCK_MONOTONIC` does not: a laptop that slept an hour has silent workers.
    package static var boot: Instant {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package static var wall: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package static var moment: Moment { Moment(wall: wall, boot: boot) }
}

// SPDX-License-Identifier: MIT

import Glibc

/// The most memory this process has held so far, in bytes.
func residentBytes() -> Int {
    var usage = rusage()
    guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
    return usage.ru_maxrss * 1024
}

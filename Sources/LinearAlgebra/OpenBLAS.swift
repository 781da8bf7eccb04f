// SPDX-License-Identifier: MIT

import CLAPACK

/// The library under this module.
package enum OpenBLAS {
    /// One thread: the same sums in the same order in every run, and no fight with the trials for the cores.
    private static let isSetUp: Bool = {
        openblas_set_num_threads(1)
        return true
    }()

    /// Called before every use of the library; costs a load after the first time.
    static func setUp() {
        precondition(isSetUp)
    }

    /// The library's version and how it was built, for `doctor`.
    package static var configuration: String {
        guard let text = unsafe openblas_get_config() else { return "unknown" }
        return unsafe String(cString: text)
    }

    /// The library's integers have 32 bits.
    static func count(_ value: Int) -> Int32 {
        guard let count = Int32(exactly: value) else { preconditionFailure("a dimension of \(value)") }
        return count
    }
}

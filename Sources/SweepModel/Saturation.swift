// SPDX-License-Identifier: MIT

extension Int64 {
    /// The sum, or the largest number where there is none: a worker or a user may say any step.
    ///
    /// - Precondition: `other` is not negative.
    package func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, isTooMuch) = addingReportingOverflow(other)
        return isTooMuch ? .max : sum
    }
}

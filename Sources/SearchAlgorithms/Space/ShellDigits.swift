// SPDX-License-Identifier: MIT

/// Takes apart a place in a box minus the smaller box in its corner, dimension by dimension: the shell is the disjoint
/// union, over each dimension, of the points that leave the inner box there first.
struct ShellDigits {
    private let inner: [Int]
    private let outer: [Int]
    /// The dimension in which the point leaves the inner box first.
    private var leaving = 0
    private var offset: Int

    /// - Precondition: 0 ≤ offset < product of `outer` - product of `inner`, taking the latter as 0 for no dimensions.
    init(inner: [Int], outer: [Int], offset: Int) {
        self.inner = inner
        self.outer = outer
        self.offset = offset
        var before = 1
        for dimension in inner.indices {
            let after = outer[(dimension + 1)...].reduce(1) { $0.saturatingProduct($1) }
            let size = before.saturatingProduct(outer[dimension] - inner[dimension]).saturatingProduct(after)
            leaving = dimension
            if self.offset < size { break }
            self.offset -= size
            before = before.saturatingProduct(inner[dimension])
        }
    }

    /// The digit of a dimension: below inner[dimension] inside the inner box. Dimensions must be asked for once each.
    mutating func next(_ dimension: Int) -> Int {
        let start = dimension == leaving ? inner[dimension] : 0
        let size = (dimension < leaving ? inner[dimension] : outer[dimension]) - start
        defer { offset /= size }
        return start + offset % size
    }
}

extension Int {
    /// For sums of counts, where `Int.max` stands for too many.
    func saturatingSum(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    func saturatingProduct(_ other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}

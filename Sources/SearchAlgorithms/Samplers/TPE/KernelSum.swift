// SPDX-License-Identifier: MIT

import RealModule

/// A mixture's density at a point, as it grows axis by axis: the kernels' terms, of which those that can no longer
/// reach e^-45 of the prior's are dropped. Together they are less than the last bit of the sum, and most kernels are far
/// away on the first axis already.
struct KernelSum {
    private(set) var terms: [Double]
    private var kernels: [Int]
    /// The prior's term once all axes are in: the sum is at least that.
    var prior = 0.0
    /// How much a term can still grow.
    var room = 0.0

    init(_ logWeights: [Double]) {
        terms = logWeights
        kernels = Array(logWeights.indices)
    }

    /// - Parameter density: its logarithm, by slot.
    mutating func multiply(_ axis: ParzenKernels, _ density: (Int) -> Double) {
        room -= axis.logCeiling
        let slots = axis.slots
        // Where many kernels share a slot, each slot's density is found once.
        if 2 * axis.slotCount <= kernels.count {
            let table = (0..<axis.slotCount).map(density)
            keep { table[slots[$0]] }
        } else {
            keep { density(slots[$0]) }
        }
    }

    private mutating func keep(_ factor: (Int) -> Double) {
        let least = prior - 45 - room
        var kept = 0
        for place in kernels.indices {
            let kernel = kernels[place]
            let term = terms[place] + factor(kernel)
            guard term > least else { continue }
            kernels[kept] = kernel
            terms[kept] = term
            kept += 1
        }
        kernels.removeLast(kernels.count - kept)
        terms.removeLast(terms.count - kept)
    }
}

/// ln Σ exp(terms), without overflow or underflow; -infinity for no terms.
func logSumExp(_ terms: [Double]) -> Double {
    guard let greatest = terms.max(), greatest.isFinite else { return -.infinity }
    return greatest + .log(terms.reduce(0) { $0 + .exp($1 - greatest) })
}

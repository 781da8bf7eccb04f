// SPDX-License-Identifier: MIT

import RealModule

extension ParzenKernels {
    /// The logarithm of a slot's density at a place: with respect to length on a continuous axis, and a probability on
    /// any other.
    func logDensity(at place: Double) -> (_ slot: Int) -> Double {
        switch (kind, shapes) {
        case (.grid(let positions, let prior), .normal(let normals)):
            let (low, high) = cell(Int(place), of: positions)
            return { slot in
                slot == 0 && !prior.isEmpty
                    ? .log(prior[Int(place)]) : normals[slot].logMassOrBound(from: low, to: high)
            }
        case (.categories(let prior), .categories(let categories)):
            let prior = prior[Int(place)]
            let away = Double.log(smoothing * prior)
            let here = Double.log(smoothing * prior + 1 - smoothing)
            return { slot in slot == 0 ? .log(prior) : categories[slot] == Int(place) ? here : away }
        case (_, .normal(let normals)):
            return { slot in normals[slot].logDensity(at: place) }
        case (_, .categories):
            preconditionFailure("only categories have kernels of categories")
        }
    }

    /// What no logarithm of a density exceeds.
    var logCeiling: Double {
        switch kind {
        // 1 / (0.01 √(2π)), of which at least nearly half is within [0, 1].
        case .continuous: 4.5
        case .grid, .categories: 0
        }
    }

    /// How many logarithms a table of all slots has.
    var slotCount: Int {
        switch shapes {
        case .normal(let normals): normals.count
        case .categories(let categories): categories.count
        }
    }

    /// The place at which the distribution function of kernel `kernel` is u in [0, 1).
    func place(kernel: Int, at u: Double) -> Double {
        let slot = slots[kernel]
        switch (kind, shapes) {
        case (.grid(let positions, let prior), .normal(let normals)):
            if slot == 0, !prior.isEmpty { return Double(index(u, of: prior)) }
            return Double(nearestIndex(normals[slot].quantile(u), among: positions))
        case (.categories(let prior), .categories(let categories)):
            // The part below `smoothing` follows the prior, the rest is the observation's own.
            if slot == 0 { return Double(index(u, of: prior)) }
            return u < smoothing ? Double(index(u / smoothing, of: prior)) : Double(categories[slot])
        case (_, .normal(let normals)):
            return normals[slot].quantile(u)
        case (_, .categories):
            preconditionFailure("only categories have kernels of categories")
        }
    }

    /// How much of a category's kernel follows the prior. Optuna gives each of K categories 1 / kernels and the
    /// observed one 1 more; that is K / (K + kernels) of a uniform prior, and here of whatever prior the file gives.
    private var smoothing: Double {
        guard case .categories(let prior) = kind else { return 0 }
        return Double(prior.count) / Double(prior.count + count)
    }

    /// A grid value's cell: it ends in the middle between neighbours, so that the cells fill [0, 1].
    private func cell(_ index: Int, of positions: [Double]) -> (low: Double, high: Double) {
        (
            low: index == 0 ? 0 : (positions[index - 1] + positions[index]) / 2,
            high: index == positions.count - 1 ? 1 : (positions[index] + positions[index + 1]) / 2
        )
    }
}

/// The index at which the probabilities, which sum to 1, first add up to more than u in [0, 1).
func index(_ u: Double, of probabilities: [Double]) -> Int {
    var (sum, last) = (0.0, 0)
    for (index, probability) in probabilities.enumerated() where probability > 0 {
        sum += probability
        last = index
        if u < sum { break }
    }
    return last
}

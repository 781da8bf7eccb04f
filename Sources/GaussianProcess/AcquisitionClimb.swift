// SPDX-License-Identifier: MIT

import LinearAlgebra

/// One climb: a point with values for all coordinates, also those that do not count there.
struct Climb: Sendable {
    var point: [Double]
    var value: Double
    var isDone = false
}

extension AcquisitionMaximiser {
    /// Improvements below this do not keep a climb going.
    private static let negligible = 1e-6

    /// Continuous and discrete rounds in turn, until neither gains anything.
    func climb(_ climbs: inout [Climb]) {
        let discrete = domain.coordinates.indices.filter { domain.coordinates[$0].choices != nil }
        let hasContinuous = discrete.count < domain.coordinates.count
        for _ in 0..<options.rounds where climbs.contains(where: { !$0.isDone }) {
            let before = climbs.map(\.value)
            if hasContinuous { climbContinuous(&climbs) }
            let between = climbs.map(\.value)
            for coordinate in discrete { searchDiscrete(coordinate, &climbs) }
            for index in climbs.indices {
                // The continuous coordinates are at rest unless a discrete one has moved since.
                let gained = climbs[index].value > between[index] + Self.negligible
                let moved = climbs[index].value > before[index] + Self.negligible
                climbs[index].isDone = climbs[index].isDone || !moved || discrete.isEmpty || !gained
            }
        }
    }

    /// L-BFGS in x/ℓ, so that a step means as much in every coordinate.
    private func climbContinuous(_ climbs: inout [Climb]) {
        let scales = acquisition.model.hyperparameters.lengthScales
        var limits = LBFGSB.Limits()
        (limits.iterations, limits.gradient) = (options.iterations, options.gradient)
        var searches: [(climb: Int, free: [Int], search: LBFGSB)] = []
        for index in climbs.indices where !climbs[index].isDone {
            let active = domain.isActive(climbs[index].point)
            let free = active.indices.filter { active[$0] && domain.coordinates[$0].choices == nil }
            if free.isEmpty { continue }
            searches.append(
                (
                    index, free,
                    LBFGSB(
                        start: free.map { climbs[index].point[$0] / scales[$0] }, lower: free.map { _ in 0 },
                        upper: free.map { 1 / scales[$0] }, limits: limits)
                ))
        }
        while true {
            let running = searches.indices.filter { searches[$0].search.status == .running }
            if running.isEmpty { break }
            let points = running.map { position in
                let (climb, free, search) = searches[position]
                return moved(climbs[climb].point, free, search.query, scales)
            }
            let result = evaluate(points, gradients: true)
            for (column, position) in running.enumerated() {
                let gradient = searches[position].free.map { -result.gradients[$0, column] * scales[$0] }
                searches[position].search.tell(value: -result.values[column], gradient: gradient)
            }
        }
        for (index, free, search) in searches where -search.value > climbs[index].value {
            climbs[index].point = moved(climbs[index].point, free, search.point, scales)
            climbs[index].value = -search.value
        }
    }

    private func moved(_ point: [Double], _ free: [Int], _ scaled: [Double], _ scales: [Double]) -> [Double] {
        var point = point
        for (index, value) in zip(free, scaled) { point[index] = min(max(value * scales[index], 0), 1) }
        return point
    }

    /// Every climb moves to the best value of one discrete coordinate; long grids are searched coarse to fine.
    private func searchDiscrete(_ coordinate: Int, _ climbs: inout [Climb]) {
        let kind = domain.coordinates[coordinate]
        guard let count = kind.choices else { return }
        let active = climbs.indices.filter {
            !climbs[$0].isDone && domain.isActive(climbs[$0].point)[coordinate]
        }
        var ranges: [Range<Int>] = active.map { _ in 0..<count }
        let isOrdered = if case .grid = kind { true } else { false }
        while !active.isEmpty {
            let trials = ranges.map { range in
                isOrdered && range.count > options.exhaustive
                    ? (0...options.exhaustive).map {
                        range.lowerBound + $0 * (range.count - 1) / options.exhaustive
                    } : Array(range)
            }
            let points = zip(active, trials).flatMap { climb, choices in
                choices.map { choice in
                    var point = climbs[climb].point
                    point[coordinate] = kind.choice(choice)
                    return point
                }
            }
            let values = evaluate(points, gradients: false).values
            var offset = 0
            var isFiner = false
            for (position, climb) in active.enumerated() {
                let choices = trials[position]
                let best = choices.indices.max { (values[offset + $0], $1) < (values[offset + $1], $0) } ?? 0
                if values[offset + best] > climbs[climb].value {
                    climbs[climb].value = values[offset + best]
                    climbs[climb].point = points[offset + best]
                }
                let lower = choices[max(best - 1, 0)]
                let upper = choices[min(best + 1, choices.count - 1)]
                let isExhausted = choices.count == ranges[position].count
                ranges[position] = isExhausted ? choices[best]..<choices[best] + 1 : lower..<upper + 1
                isFiner = isFiner || !isExhausted
                offset += choices.count
            }
            if !isFiner { break }
        }
    }
}

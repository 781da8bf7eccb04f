// SPDX-License-Identifier: MIT

import LinearAlgebra

/// One climb: a point with values for all coordinates, also those that do not count there.
struct Climb: Sendable {
    var point: [Double]
    var value: Double
    var isDone = false
}

extension AcquisitionMaximiser {
    /// Continuous and discrete rounds in turn, until neither gains anything.
    func climb(_ climbs: inout [Climb]) {
        let discrete = domain.coordinates.indices.filter { domain.coordinates[$0].choices != nil }
        let hasContinuous = discrete.count < domain.coordinates.count
        for _ in 0..<options.rounds where climbs.contains(where: { !$0.isDone }) {
            let before = climbs.map(\.value)
            if hasContinuous { climbContinuous(&climbs) }
            let between = climbs.map(\.value)
            for coordinate in discrete { searchDiscrete(coordinate, &climbs) }
            let best = climbs.reduce(-.infinity) { max($0, $1.value) }
            for index in climbs.indices {
                // The continuous coordinates are at rest unless a discrete one has moved since.
                let gained = climbs[index].value > between[index] + options.gain
                let moved = climbs[index].value > before[index] + options.gain
                let isBehind = climbs[index].value < best - options.lag
                climbs[index].isDone = climbs[index].isDone || !moved || discrete.isEmpty || !gained || isBehind
            }
        }
    }

    /// The continuous part of a climb.
    private struct Search {
        let climb: Int
        /// The coordinates that move.
        let free: [Int]
        var search: LBFGSB
    }

    /// L-BFGS in x/ℓ, so that a step means as much in every coordinate.
    private func climbContinuous(_ climbs: inout [Climb]) {
        let scales = acquisition.model.hyperparameters.lengthScales
        var searches = climbs.indices.filter { !climbs[$0].isDone }.compactMap { search(climbs[$0], $0, scales) }
        var running = Array(searches.indices)
        var steps = 0
        while !running.isEmpty {
            var points = Matrix(rows: running.count, columns: domain.coordinates.count)
            for (row, position) in running.enumerated() {
                let search = searches[position]
                let point = moved(climbs[search.climb].point, search.free, search.search.query, scales)
                for (column, value) in point.enumerated() { points.elements[row + column * running.count] = value }
            }
            let result = evaluate(points, gradients: true)
            for (column, position) in running.enumerated() {
                let gradient = searches[position].free.map { -result.gradients[$0, column] * scales[$0] }
                searches[position].search.tell(value: -result.values[column], gradient: gradient)
            }
            steps += 1
            running = running.filter { searches[$0].search.status == .running }
            if steps % options.trial == 0 { drop(&running, searches) }
        }
        for search in searches where -search.search.value > climbs[search.climb].value {
            climbs[search.climb].point = moved(climbs[search.climb].point, search.free, search.search.point, scales)
            climbs[search.climb].value = -search.search.value
        }
    }

    private func search(_ climb: Climb, _ index: Int, _ scales: [Double]) -> Search? {
        let active = domain.isActive(climb.point)
        var (free, lower, upper): ([Int], [Double], [Double]) = ([], [], [])
        for coordinate in active.indices where active[coordinate] {
            switch allowed[coordinate] {
            case .interval(let bounds):
                free.append(coordinate)
                lower.append(bounds.lowerBound / scales[coordinate])
                upper.append(bounds.upperBound / scales[coordinate])
            case .grid, .categories: continue
            }
        }
        if free.isEmpty { return nil }
        var limits = LBFGSB.Limits(gradient: options.gradient)
        (limits.iterations, limits.decrease) = (options.iterations, options.gain)
        return Search(
            climb: index, free: free,
            search: LBFGSB(
                start: free.map { climb.point[$0] / scales[$0] }, lower: lower, upper: upper, limits: limits))
    }

    /// Gives up searches that are far behind the best one.
    private func drop(_ running: inout [Int], _ searches: [Search]) {
        let best = searches.reduce(Double.infinity) { min($0, $1.search.value) }
        running = running.filter { searches[$0].search.value <= best + options.lag }
    }

    private func moved(_ point: [Double], _ free: [Int], _ scaled: [Double], _ scales: [Double]) -> [Double] {
        var point = point
        for (index, value) in zip(free, scaled) {
            // x/ℓ times ℓ may miss a bound by an ulp.
            let unscaled = value * scales[index]
            let snapped = (unscaled - unscaled.rounded()).magnitude < 1e-14 ? unscaled.rounded() : unscaled
            point[index] = allowed[index].nearest(snapped) ?? point[index]
        }
        return point
    }

    /// Every climb moves to the best value of one discrete coordinate; long grids are searched coarse to fine.
    private func searchDiscrete(_ coordinate: Int, _ climbs: inout [Climb]) {
        let kind = domain.coordinates[coordinate]
        // Of a grid all values in the range; of categories those at these places.
        let (whole, categories): (Range<Int>, [Int]?)
        switch allowed[coordinate] {
        case .interval: return
        case .grid(let indices, _): (whole, categories) = (indices, nil)
        case .categories(let allowed): (whole, categories) = (allowed.indices, allowed)
        }
        let active = climbs.indices.filter {
            !climbs[$0].isDone && domain.isActive(climbs[$0].point)[coordinate]
        }
        var ranges = active.map { _ in whole }
        while !active.isEmpty {
            let trials = ranges.map { categories ?? spaced($0) }
            let values = valuesAlong(coordinate, zip(active, trials).map { (climbs[$0].point, $1) }, kind)
            var offset = 0
            var isFiner = false
            for (position, climb) in active.enumerated() {
                let choices = trials[position]
                let best = choices.indices.max { (values[offset + $0], $1) < (values[offset + $1], $0) } ?? 0
                if values[offset + best] > climbs[climb].value {
                    climbs[climb].value = values[offset + best]
                    climbs[climb].point[coordinate] = kind.choice(choices[best])
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

    /// All indices of a short range, evenly spaced ones of a long one.
    private func spaced(_ range: Range<Int>) -> [Int] {
        if range.count <= options.exhaustive { return Array(range) }
        return (0...options.exhaustive).map { range.lowerBound + $0 * (range.count - 1) / options.exhaustive }
    }

    /// The values at each point with each of its choices of one coordinate.
    private func valuesAlong(
        _ coordinate: Int, _ trials: [(point: [Double], choices: [Int])], _ kind: SearchDomain.Coordinate
    ) -> [Double] {
        let count = trials.reduce(0) { $0 + $1.choices.count }
        var points = Matrix(rows: count, columns: domain.coordinates.count)
        var row = 0
        for (point, choices) in trials {
            for choice in choices {
                for (column, value) in point.enumerated() { points.elements[row + column * count] = value }
                points.elements[row + coordinate * count] = kind.choice(choice)
                row += 1
            }
        }
        return evaluate(points, gradients: false).values
    }
}

// SPDX-License-Identifier: MIT

import GaussianProcess
import SweepModel

/// Configurations as points: one coordinate for each parameter that can differ, and back.
///
/// An inactive parameter's coordinate is `SearchDomain.inactive`, so configurations that differ in nothing active are the
/// same point.
struct SpaceEncoding: Sendable {
    let space: SearchSpace
    let axes: [Axis]
    let domain: SearchDomain

    init(_ space: SearchSpace) {
        self.space = space
        let varied = space.varied
        let axes = varied.map { Axis($0) }
        self.axes = axes
        let activity = Activity(space, varied: varied, axes: axes)
        let coordinates = axes.map(\.coordinate)
        domain =
            activity.isAlwaysComplete
            ? SearchDomain(coordinates) : SearchDomain(coordinates) { activity.isActive($0) }
    }

    func point(of configuration: Configuration) -> [Double] {
        // Both are in the space's order, so each entry is looked for from where the last one was found.
        var next = configuration.entries.startIndex
        return axes.map { axis in
            var index = next
            while index < configuration.entries.endIndex {
                if configuration.entries[index].name == axis.name {
                    next = index + 1
                    return axis.coordinate(of: configuration.entries[index].value)
                }
                index += 1
            }
            return configuration[axis.name].map { axis.coordinate(of: $0) } ?? SearchDomain.inactive
        }
    }

    /// The configuration at a point with values for all active coordinates.
    func configuration(at point: [Double]) -> Configuration {
        var entries: [Configuration.Entry] = []
        var place = 0
        for parameter in space.parameters {
            let isVaried = place < axes.count && axes[place].name == parameter.name
            defer { if isVaried { place += 1 } }
            guard space.isActive(parameter, given: entries) else { continue }
            entries.append(
                Configuration.Entry(
                    parameter.name,
                    isVaried ? axes[place].value(at: point[place]) : parameter.distribution.value(at: 0)))
        }
        return Configuration(entries)
    }
}

extension Axis {
    fileprivate var coordinate: SearchDomain.Coordinate {
        switch kind {
        case .continuous: .continuous
        case .grid(_, let positions): .grid(count: positions.count, value: { positions[$0] })
        case .categories(let levels): .categories(count: Int(levels.count))
        }
    }

    /// The index of the value at a coordinate; nil where there are endlessly many.
    fileprivate func index(at coordinate: Double) -> Int? {
        switch kind {
        case .continuous: nil
        case .grid(_, let positions): nearestIndex(coordinate, among: positions)
        case .categories: Int(coordinate)
        }
    }

    /// For each value by index, whether the condition admits it.
    fileprivate func admitted(by condition: Parameter.Condition) -> [Bool] {
        switch kind {
        case .continuous: []
        case .grid(let levels, _), .categories(let levels):
            (0..<levels.count).map { condition.admits(levels.value($0)) }
        }
    }
}

/// Which coordinates count at a point.
private struct Activity: Sendable {
    private struct Rule: Sendable {
        /// The parent's coordinate.
        let parent: Int
        let admitted: [Bool]
        let condition: Parameter.Condition
    }

    private let axes: [Axis]
    /// Of each coordinate; nil when it never counts, because a parent has only a value that the condition excludes.
    private let rules: [[Rule]?]

    var isAlwaysComplete: Bool { rules.allSatisfy { $0?.isEmpty == true } }

    init(_ space: SearchSpace, varied: [Parameter], axes: [Axis]) {
        self.axes = axes
        // Of all parameters in order, since one with a single value may hang on one that varies.
        var known: [String: [Rule]?] = [:]
        for parameter in space.parameters {
            var rules: [Rule]? = []
            for condition in parameter.conditions {
                if let parent = varied.firstIndex(where: { $0.name == condition.parent }) {
                    rules?.append(
                        Rule(parent: parent, admitted: axes[parent].admitted(by: condition), condition: condition))
                } else {
                    let parent = space.parameters.first { $0.name == condition.parent }
                    let admits = parent.map { condition.admits($0.distribution.value(at: 0)) } ?? false
                    let inherited = known[condition.parent].flatMap { $0 }
                    if admits, let inherited { rules?.append(contentsOf: inherited) } else { rules = nil }
                }
            }
            known[parameter.name] = rules
        }
        self.rules = varied.map { known[$0.name].flatMap { $0 } }
    }

    /// Parents come before their children, so one pass decides all.
    func isActive(_ point: [Double]) -> [Bool] {
        var active = [Bool](repeating: false, count: point.count)
        for (place, rules) in rules.enumerated() {
            guard let rules else { continue }
            active[place] = rules.allSatisfy { rule in
                guard active[rule.parent] else { return false }
                if let index = axes[rule.parent].index(at: point[rule.parent]) {
                    return rule.admitted.indices.contains(index) && rule.admitted[index]
                }
                return rule.condition.admits(axes[rule.parent].value(at: point[rule.parent]))
            }
        }
        return active
    }
}

// SPDX-License-Identifier: MIT

import SweepModel

/// A space's parameters, each after its parents, with what activates them. A point holds a place for each parameter, in
/// the space's order, nil where it is inactive.
struct ParameterTree: Sendable {
    private struct Rule: Sendable {
        let parent: Int
        let condition: Parameter.Condition
        /// For each of the parent's values by index, whether the condition admits it; nil for a continuous parent.
        let admitted: [Bool]?
    }

    let axes: [ParzenAxis]
    private let names: [String]
    private let rules: [[Rule]]

    init(_ space: SearchSpace) {
        let axes = space.parameters.map { ParzenAxis($0) }
        self.axes = axes
        names = space.parameters.map(\.name)
        rules = space.parameters.map { parameter in
            parameter.conditions.compactMap { condition in
                space.index(of: condition.parent).map { parent in
                    let admitted = axes[parent].count.map { count in
                        (0..<count).map { condition.admits(axes[parent].value(at: Double($0))) }
                    }
                    return Rule(parent: parent, condition: condition, admitted: admitted)
                }
            }
        }
    }

    /// Whether there is nothing to choose.
    var isFixed: Bool { axes.allSatisfy(\.isFixed) }

    /// The point of a configuration. An entry whose conditions do not hold counts as absent.
    func point(of configuration: Configuration) -> [Double?] {
        let entries = configuration.entries
        // Both are in the space's order, so each entry is looked for from where the last one was found.
        var next = entries.startIndex
        return point { parameter in
            if let index = entries[next...].firstIndex(where: { $0.name == names[parameter] }) {
                next = index + 1
                return axes[parameter].place(of: entries[index].value)
            }
            return configuration[names[parameter]].flatMap { axes[parameter].place(of: $0) }
        }
    }

    /// The point that a function of parameters makes, which is asked for active ones only.
    func point(_ place: (Int) -> Double?) -> [Double?] {
        var point = [Double?](repeating: nil, count: axes.count)
        for parameter in axes.indices where isActive(parameter, at: point) {
            point[parameter] = place(parameter)
        }
        return point
    }

    func configuration(at point: [Double?]) -> Configuration {
        Configuration(
            point.enumerated().compactMap { parameter, place in
                place.map { Configuration.Entry(names[parameter], axes[parameter].value(at: $0)) }
            })
    }

    /// Whether a parameter counts, given the places of those before it.
    private func isActive(_ parameter: Int, at point: [Double?]) -> Bool {
        rules[parameter].allSatisfy { rule in
            guard let place = point[rule.parent] else { return false }
            if let admitted = rule.admitted { return admitted[Int(place)] }
            return rule.condition.admits(axes[rule.parent].value(at: place))
        }
    }
}

// SPDX-License-Identifier: MIT

import SearchAlgorithms
package import SweepModel

/// Where a table of curves says less, or something else, than a sweep would ask of it.
package struct TableCoverage: Hashable, Sendable {
    /// A value and its parameter.
    package struct Listed: Hashable, Sendable {
        package let parameter: String
        package let value: JSONValue
    }

    /// The most steps a trial of the sweep trains; nil where it does not say.
    package let maximumStep: Int64?
    /// Curves without a report up to that step: a trial that replays one has no value.
    package let blank: Int
    /// Curves that end before that step and have not diverged: a trial that replays one is over there.
    package let short: Int
    /// The earliest step at which one of those ends.
    package let shortest: Int64?
    /// Values of the sweep file's lists that no row has: others stand for them.
    package let unseen: [Listed]
    /// Values of the table that are in no list of the sweep file: no trial has them, and the rows that do have them still
    /// count for the table's best.
    package let unlisted: [Listed]

    package init(_ table: CurveTable, _ definition: SweepDefinition) {
        maximumStep = definition.maximumStep
        let end = definition.maximumStep ?? .min
        let curves = table.rows.flatMap(\.curves)
        blank = definition.maximumStep == nil ? 0 : curves.count { $0.points(upTo: end).isEmpty }
        let ends = curves.compactMap { curve in
            curve.points.allSatisfy(\.value.isFinite) ? curve.points.last?.step : nil
        }
        .filter { $0 < end }
        short = ends.count
        shortest = ends.min()
        var unseen: [Listed] = []
        var unlisted: [Listed] = []
        for name in table.parameters {
            guard let place = definition.space.index(of: name),
                case .categorical(let values, _, _) = definition.space.parameters[place].distribution
            else { continue }
            let listed = Set(values.map(\.canonical))
            var seen: Set<JSONValue> = []
            for row in table.rows {
                guard let value = row.configuration[name], seen.insert(value.canonical).inserted else { continue }
                if !listed.contains(value.canonical) { unlisted.append(Listed(parameter: name, value: value)) }
            }
            unseen += values.filter { !seen.contains($0.canonical) }.map { Listed(parameter: name, value: $0) }
        }
        self.unseen = unseen
        self.unlisted = unlisted
    }
}

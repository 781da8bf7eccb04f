// SPDX-License-Identifier: MIT

package import SweepModel

/// Learning curves recorded once, to run sweeps against: for each configuration what its training reported.
package struct CurveTable: Hashable, Sendable {
    /// One report of a training.
    package struct Point: Hashable, Sendable {
        package let step: Int64
        /// The objective; may be NaN or infinite.
        package let value: Double
        /// How long the step took: since the point before, or since the start.
        package let seconds: Double
        package init(step: Int64, value: Double, seconds: Double = 1) {
            self.step = step
            self.value = value
            self.seconds = seconds
        }
    }

    /// One training.
    package struct Curve: Hashable, Sendable {
        /// Nil where the table has no column `seed`.
        package let seed: Int64?
        /// By ascending step; never empty.
        package let points: [Point]
        package init(seed: Int64? = nil, points: [Point]) {
            self.seed = seed
            self.points = points
        }
    }

    /// A configuration with its trainings.
    package struct Row: Hashable, Sendable {
        /// The values of the parameters that the table has a column for, in the order of the search space. Numbers are
        /// as they were written, values of a list are the sweep file's.
        package let configuration: Configuration
        /// By ascending seed; never empty.
        package let curves: [Curve]
        package init(configuration: Configuration, curves: [Curve]) {
            self.configuration = configuration
            self.curves = curves
        }
    }

    /// The parameters of the search space that have a column, in its order.
    package let parameters: [String]
    /// In the order in which the table first names them; never empty.
    package let rows: [Row]
    /// Configurations that differ from the sweep file in a constant: no trial can have one.
    package let leftOut: Int
    /// Whether it says how long steps took; else each takes a second.
    package let isTimed: Bool

    /// - Precondition: there is a row, each has a curve, and each curve a point.
    package init(parameters: [String], rows: [Row], leftOut: Int = 0, isTimed: Bool = false) {
        self.parameters = parameters
        self.rows = rows
        self.leftOut = leftOut
        self.isTimed = isTimed
    }

    /// All seeds, ascending; empty where the table has no column for them.
    package var seeds: [Int64] {
        Set(rows.flatMap { $0.curves.compactMap(\.seed) }).sorted()
    }

    /// The last step of the longest curve.
    package var lastStep: Int64 {
        rows.lazy.flatMap(\.curves).compactMap { $0.points.last?.step }.max() ?? 0
    }

    package var curveCount: Int { rows.reduce(0) { $0 + $1.curves.count } }
    package var pointCount: Int { rows.reduce(0) { $0 + $1.curves.reduce(0) { $0 + $1.points.count } } }

    /// The table with the curves of one seed only.
    ///
    /// - Throws: when no curve has it.
    package func only(seed: Int64) throws(CurveTableError) -> CurveTable {
        let chosen = rows.compactMap { row in
            let curves = row.curves.filter { $0.seed == seed }
            return curves.isEmpty ? nil : Row(configuration: row.configuration, curves: curves)
        }
        guard chosen.isEmpty else {
            return CurveTable(parameters: parameters, rows: chosen, leftOut: leftOut, isTimed: isTimed)
        }
        let seeds = seeds
        if seeds.isEmpty { throw CurveTableError("there is no column 'seed' to choose \(seed) from") }
        let named = seeds.prefix(8).map(String.init).joined(separator: ", ") + (seeds.count > 8 ? ", …" : "")
        throw CurveTableError("there is no curve of seed \(seed): the seeds are \(named)")
    }
}

extension CurveTable.Curve {
    /// The points up to a step; all of them where it is nil.
    package func points(upTo step: Int64?) -> ArraySlice<CurveTable.Point> {
        guard let step else { return points[...] }
        return points.prefix { $0.step <= step }
    }

    /// What a trial is trained that nothing stops but a value that is not finite, which ends any trial.
    package func course(upTo step: Int64?) -> ArraySlice<CurveTable.Point> {
        let points = points(upTo: step)
        guard let end = points.firstIndex(where: { !$0.value.isFinite }) else { return points }
        return points[...end]
    }

    /// What such a trial comes to, by the objective's summary rule; nil when it diverges.
    package func value(_ objective: Objective, upTo step: Int64?) -> Double? {
        let course = course(upTo: step)
        guard let last = course.last?.value, last.isFinite else { return nil }
        switch objective.summary {
        case .last: return last
        case .best: return course.map(\.value).reduce(last) { objective.isBetter($1, than: $0) ? $1 : $0 }
        case .mean: return course.reduce(0) { $0 + $1.value / Double(course.count) }
        }
    }
}

extension CurveTable.Row {
    /// The mean over its trainings of what they come to; nil when all of them diverge.
    package func value(_ objective: Objective, upTo step: Int64?) -> Double? {
        let values = curves.compactMap { $0.value(objective, upTo: step) }
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}

/// What is wrong with a table of curves. The user mends the file.
package struct CurveTableError: Error, Hashable, Sendable, CustomStringConvertible {
    /// From 1; nil where no line is at fault.
    package let line: Int?
    package let message: String

    package init(line: Int? = nil, _ message: String) {
        self.line = line
        self.message = message
    }

    package var description: String { line.map { "line \($0): \(message)" } ?? message }

    /// `curves.csv:12: 'loss' is not a number: abc`
    package func text(file: String) -> String {
        line.map { "\(file):\($0): \(message)" } ?? "\(file): \(message)"
    }
}

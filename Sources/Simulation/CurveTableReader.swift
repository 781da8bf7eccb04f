// SPDX-License-Identifier: MIT

import SearchAlgorithms
package import SweepModel

extension CurveTable {
    /// The most bytes of a table.
    package static let byteLimit = 256 << 20

    /// Reads a table from comma-separated values: a header, then a line for each step of each training.
    ///
    /// Columns, in any order: each parameter by its full name (or `param.` and that), `step`, the objective's metric,
    /// and if there are any `seed` (of the training) and `seconds` (that the step took; 1 without). Others are ignored.
    /// Where a parameter is named `step`, `seed` or `seconds`, write `param.` before it. The empty cell is an inactive
    /// parameter.
    ///
    /// - Throws: the first thing wrong, with its line.
    package static func read(
        _ bytes: [UInt8], for definition: SweepDefinition
    ) throws(CurveTableError) -> CurveTable {
        guard bytes.count <= byteLimit else {
            throw CurveTableError("larger than \(byteLimit >> 20) MiB: leave out the columns that are not needed")
        }
        var reader = try CurveTableReader(bytes, definition)
        try reader.readLines()
        return try reader.table()
    }
}

/// A table being read.
private struct CurveTableReader {
    /// Where in a line things stand.
    struct Columns {
        /// In the order of the search space.
        let parameters: [(parameter: Parameter, column: Int)]
        let step: Int
        let metric: Int
        let seed: Int?
        let seconds: Int?
        let names: [String]
    }

    struct OpenCurve {
        let row: Int
        let seed: Int64?
        var points: [CurveTable.Point] = []
    }

    struct Key: Hashable {
        let row: Int
        let seed: Int64?
    }

    /// So that sums over any table stay exact.
    private static let stepLimit: Int64 = 1_000_000_000_000
    private static let secondsLimit = 1e9

    private let definition: SweepDefinition
    private let columns: Columns
    private var text: DelimitedText
    private var configurations: [Configuration] = []
    /// Rows by the canonical values of their parameters; nil is inactive.
    private var rows: [[JSONValue?]: Int] = [:]
    /// For each row the constant it differs in.
    private var strangers: [String?] = []
    private var curves: [OpenCurve] = []
    private var places: [Key: Int] = [:]

    init(_ bytes: [UInt8], _ definition: SweepDefinition) throws(CurveTableError) {
        self.definition = definition
        var text = DelimitedText(bytes)
        var cells: [DelimitedText.Cell] = []
        guard try text.read(into: &cells) else {
            throw CurveTableError("empty: expected a header with the parameters, 'step' and the metric")
        }
        var names: [String] = []
        for cell in cells { names.append(try text.text(cell)) }
        columns = try Self.columns(names, definition, line: text.line)
        self.text = text
    }

    private static func columns(
        _ names: [String], _ definition: SweepDefinition, line: Int
    ) throws(CurveTableError) -> Columns {
        for (place, name) in names.enumerated() where !name.isEmpty && names[..<place].contains(name) {
            throw CurveTableError(line: line, "the column '\(shown(name))' appears twice")
        }
        if names.count == 1, let other = [";", "\t", "|"].first(where: names[0].contains) {
            let word = other == "\t" ? "tabs" : "'\(other)'"
            throw CurveTableError(line: line, "columns are separated by commas, not by \(word)")
        }
        var claimed: Set<Int> = []
        var parameters: [(parameter: Parameter, column: Int)] = []
        var missing: [String] = []
        for parameter in definition.space.parameters {
            let column =
                names.firstIndex(of: "param.\(parameter.name)") ?? names.firstIndex(of: parameter.name)
            if let column {
                parameters.append((parameter, column))
                claimed.insert(column)
            } else if !parameter.distribution.isFixed {
                missing.append(parameter.name)
            }
        }
        if let first = missing.first {
            let what = "the parameter\(missing.count == 1 ? "" : "s") \(quoted(missing))"
            throw CurveTableError(line: line, "there is no column for \(what)" + hint(first, names, claimed))
        }
        func column(_ name: String) -> Int? {
            names.firstIndex(of: name).flatMap { claimed.contains($0) ? nil : $0 }
        }
        let metric = definition.objective.metric
        guard let metricColumn = column(metric) else {
            throw CurveTableError(
                line: line, "there is no column for the metric '\(shown(metric))'" + hint(metric, names, claimed))
        }
        claimed.insert(metricColumn)
        guard let step = column("step") else {
            let isParameter = names.contains("step") && definition.space.index(of: "step") != nil
            throw CurveTableError(
                line: line,
                isParameter
                    ? "the column 'step' is the parameter of that name: name it 'param.step' and add one for the steps"
                    : "there is no column 'step'" + hint("step", names, claimed))
        }
        claimed.insert(step)
        return Columns(
            parameters: parameters, step: step, metric: metricColumn, seed: column("seed"),
            seconds: column("seconds"), names: names)
    }

    private static func hint(_ name: String, _ names: [String], _ claimed: Set<Int>) -> String {
        let free = names.indices.filter { !claimed.contains($0) && !names[$0].isEmpty }.map { names[$0] }
        if let nearest = nearestWord(to: name, in: free) { return "; did you mean '\(shown(nearest))'?" }
        return free.isEmpty ? "" : "; the other columns are \(quoted(free))"
    }

    mutating func readLines() throws(CurveTableError) {
        var cells: [DelimitedText.Cell] = []
        var previous: [DelimitedText.Cell] = []
        var row = 0
        var curve = 0
        while try text.read(into: &cells) {
            guard cells.count == columns.names.count else {
                throw CurveTableError(
                    line: text.line, "has \(cells.count) cells, but the header has \(columns.names.count)")
            }
            // A training's lines mostly follow one another.
            let isSameRow =
                !previous.isEmpty
                && columns.parameters.allSatisfy { text.areEqual(cells[$0.column], previous[$0.column]) }
            if !isSameRow { row = try self.row(cells) }
            let isSameSeed =
                !previous.isEmpty && (columns.seed.map { text.areEqual(cells[$0], previous[$0]) } ?? true)
            if !isSameRow || !isSameSeed { curve = try self.curve(of: row, cells) }
            try add(cells, to: curve)
            swap(&cells, &previous)
        }
    }

    private mutating func row(_ cells: [DelimitedText.Cell]) throws(CurveTableError) -> Int {
        var entries: [Configuration.Entry] = []
        var key: [JSONValue?] = []
        var stranger: String?
        for (parameter, column) in columns.parameters {
            let value = try value(of: parameter, cells[column])
            key.append(value?.canonical)
            guard let value else { continue }
            entries.append(Configuration.Entry(parameter.name, value))
            if stranger == nil, let fixed = parameter.distribution.fixedValue, fixed.canonical != value.canonical {
                stranger = "\(parameter.name) = \(fixed.text)"
            }
        }
        if let known = rows[key] { return known }
        rows[key] = configurations.count
        configurations.append(Configuration(entries))
        strangers.append(stranger)
        return configurations.count - 1
    }

    private func value(
        of parameter: Parameter, _ cell: DelimitedText.Cell
    ) throws(CurveTableError) -> JSONValue? {
        let written = try text.text(cell)
        if let value = parameter.distribution.listed(written) { return value }
        if written.isEmpty {
            if !parameter.conditions.isEmpty { return nil }
            throw CurveTableError(
                line: text.line, "'\(shown(parameter.name))' is empty, and no condition makes it inactive")
        }
        if let number = text.number(cell), number.isFinite {
            return Int64(exactly: number).map { .integer($0) } ?? .number(number)
        }
        if parameter.distribution.isNumeric { throw notANumber(parameter.name, written) }
        return .string(written)
    }

    private mutating func curve(
        of row: Int, _ cells: [DelimitedText.Cell]
    ) throws(CurveTableError) -> Int {
        var seed: Int64?
        if let column = columns.seed {
            guard let whole = text.integer(cells[column]) else {
                throw CurveTableError(
                    line: text.line, "'seed' is not a whole number: \(shown(try text.text(cells[column])))")
            }
            seed = whole
        }
        let key = Key(row: row, seed: seed)
        if let known = places[key] { return known }
        places[key] = curves.count
        curves.append(OpenCurve(row: row, seed: seed))
        return curves.count - 1
    }

    private mutating func add(_ cells: [DelimitedText.Cell], to curve: Int) throws(CurveTableError) {
        guard let step = text.integer(cells[columns.step]), (0...Self.stepLimit).contains(step) else {
            let written = shown(try text.text(cells[columns.step]))
            throw CurveTableError(
                line: text.line, "'step' must be a whole number from 0 to \(Self.stepLimit), not \(written)")
        }
        if let last = curves[curve].points.last?.step, step <= last { throw misplaced(step, after: last, curve) }
        let metric = columns.names[columns.metric]
        guard let value = text.number(cells[columns.metric]) else {
            let written = try text.text(cells[columns.metric])
            throw written.isEmpty
                ? CurveTableError(
                    line: text.line,
                    "'\(shown(metric))' is empty: write NaN where training diverged, else leave the line out")
                : notANumber(metric, written)
        }
        var seconds = 1.0
        if let column = columns.seconds {
            guard let number = text.number(cells[column]), number >= 0, number <= Self.secondsLimit else {
                let written = shown(try text.text(cells[column]))
                throw CurveTableError(line: text.line, "'seconds' must be a number from 0 to 1e9, not \(written)")
            }
            seconds = number
        }
        curves[curve].points.append(CurveTable.Point(step: step, value: value, seconds: seconds))
    }

    private func misplaced(_ step: Int64, after last: Int64, _ curve: Int) -> CurveTableError {
        let seed = curves[curve].seed.map { " with seed \($0)" } ?? ""
        if curves[curve].points.contains(where: { $0.step == step }) {
            let hint = columns.seed == nil ? "; trainings with different seeds need a column 'seed'" : ""
            return CurveTableError(
                line: text.line, "step \(step) appears twice for the same parameters\(seed)\(hint)")
        }
        return CurveTableError(
            line: text.line, "step \(step) follows step \(last) of the same parameters\(seed): steps must increase")
    }

    private func notANumber(_ name: String, _ written: String) -> CurveTableError {
        CurveTableError(line: text.line, "'\(shown(name))' is not a number: \(shown(written))")
    }

    func table() throws(CurveTableError) -> CurveTable {
        guard !curves.isEmpty else { throw CurveTableError("there is no line below the header") }
        var trainings = [[CurveTable.Curve]](repeating: [], count: configurations.count)
        for curve in curves where strangers[curve.row] == nil {
            trainings[curve.row].append(CurveTable.Curve(seed: curve.seed, points: curve.points))
        }
        let rows = configurations.indices.filter { strangers[$0] == nil }.map { place in
            CurveTable.Row(
                configuration: configurations[place],
                curves: trainings[place].sorted { ($0.seed ?? 0) < ($1.seed ?? 0) })
        }
        if rows.isEmpty {
            let fixed = strangers.compactMap(\.self).first ?? ""
            throw CurveTableError("no line has \(shown(fixed)), which is constant in the sweep file")
        }
        return CurveTable(
            parameters: columns.parameters.map(\.parameter.name), rows: rows,
            leftOut: configurations.count - rows.count, isTimed: columns.seconds != nil)
    }
}

/// Not longer than a line of text.
private func shown(_ text: String) -> String {
    text.count > 60 ? text.prefix(60) + "…" : text
}

private func quoted(_ names: [String]) -> String {
    names.prefix(8).map { "'\(shown($0))'" }.joined(separator: ", ") + (names.count > 8 ? ", …" : "")
}

// SPDX-License-Identifier: MIT

import GRDB

/// Compares a projection as found with the one the journal gives, row by row in the order of its key.
struct TableComparison {
    let table: String
    /// The key's columns, separated by commas.
    let key: String

    func run(found: Database, expected: Database, _ report: inout VerificationReport) throws {
        let sql = "SELECT \(key), * FROM \(table) ORDER BY \(key)"
        let width = key.split(separator: ",").count
        let left = try Row.fetchCursor(found, sql: sql)
        let right = try Row.fetchCursor(expected, sql: sql)
        var ours = try left.next(), theirs = try right.next()
        while ours != nil || theirs != nil {
            switch Self.order(ours, theirs, width: width) {
            case .same:
                if let ours, let theirs, ours != theirs { describe(ours, theirs, width: width, &report) }
                (ours, theirs) = (try left.next(), try right.next())
            case .before:
                if let ours { report.add("\(name(ours, width)): the journal knows nothing of it") }
                ours = try left.next()
            case .after:
                if let theirs { report.add("\(name(theirs, width)): it is missing, and the journal has it") }
                theirs = try right.next()
            }
        }
    }

    private func name(_ row: Row, _ width: Int) -> String {
        let values = row.databaseValues.prefix(width).map { Self.text($0) }
        return "\(table) \(values.joined(separator: "/"))"
    }

    private func describe(_ ours: Row, _ theirs: Row, width: Int, _ report: inout VerificationReport) {
        for (column, pair) in zip(ours.columnNames, zip(ours.databaseValues, theirs.databaseValues)).dropFirst(width)
        where pair.0 != pair.1 {
            report.add(
                "\(name(ours, width)): \(column) is \(Self.text(pair.0)), by the journal it is \(Self.text(pair.1))")
        }
    }

    private static func text(_ value: DatabaseValue) -> String {
        switch value.storage {
        case .null: "null"
        case .int64(let number): String(number)
        case .double(let number): String(number)
        case .string(let text): String(text.prefix(100))
        case .blob(let data): "\(data.count) bytes"
        }
    }

    private enum Order { case before, same, after }

    /// The order SQLite sorts integers and texts in; a missing row comes after all others.
    private static func order(_ left: Row?, _ right: Row?, width: Int) -> Order {
        guard let left else { return right == nil ? .same : .after }
        guard let right else { return .before }
        for (one, other) in zip(left.databaseValues, right.databaseValues).prefix(width) {
            switch (one.storage, other.storage) {
            case (.int64(let one), .int64(let other)) where one != other: return one < other ? .before : .after
            case (.string(let one), .string(let other)) where one != other:
                return one.utf8.lexicographicallyPrecedes(other.utf8) ? .before : .after
            default: continue
            }
        }
        return .same
    }
}

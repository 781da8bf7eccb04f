// SPDX-License-Identifier: MIT

/// Columns aligned with spaces; the last one is cut to the terminal's width.
struct TextTable {
    enum Alignment { case left, right }

    struct Column {
        let title: String
        let alignment: Alignment
        init(_ title: String, _ alignment: Alignment = .left) {
            self.title = title
            self.alignment = alignment
        }
    }

    let columns: [Column]
    private(set) var rows: [[String]] = []

    init(_ columns: [Column]) {
        self.columns = columns
    }

    /// - Precondition: one cell a column.
    mutating func add(_ cells: [String]) {
        precondition(cells.count == columns.count)
        rows.append(cells)
    }

    func lines(width: Int? = nil, indent: String = "  ") -> [String] {
        var widths = columns.map(\.title.count)
        for row in rows {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) }
        }
        let all = [columns.map(\.title)] + rows
        return all.map { cells in
            var line = indent
            for (index, cell) in cells.enumerated() {
                let padding = String(repeating: " ", count: widths[index] - cell.count)
                let isLast = index == cells.count - 1
                switch columns[index].alignment {
                case .right: line += padding + cell
                case .left: line += isLast ? cell : cell + padding
                }
                if !isLast { line += "  " }
            }
            guard let width, line.count > width else { return line }
            return String(line.prefix(max(1, width - 1))) + "…"
        }
    }
}

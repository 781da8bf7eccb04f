// SPDX-License-Identifier: MIT

/// Comma-separated values as RFC 4180 has them, read record by record.
///
/// Beyond the standard: a byte-order mark is skipped, lines end with LF, CRLF or CR, empty lines are skipped, and blanks
/// around a cell without quotes do not count.
struct DelimitedText {
    /// Where a cell's text lies, without its quotes.
    struct Cell {
        let range: Range<Int>
        let isQuoted: Bool
        /// Whether it has quotes within, each written twice.
        let hasQuotes: Bool
    }

    private let bytes: [UInt8]
    private var position: Int
    private var currentLine = 1
    /// The line on which the latest record begins, from 1.
    private(set) var line = 1

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// Puts the next record's cells in place of `cells`.
    ///
    /// - Returns: false at the end.
    mutating func read(into cells: inout [Cell]) throws(CurveTableError) -> Bool {
        cells.removeAll(keepingCapacity: true)
        while position < bytes.count, isLineEnd(bytes[position]) { endLine() }
        guard position < bytes.count else { return false }
        line = currentLine
        while true {
            cells.append(try cell())
            guard position < bytes.count, bytes[position] == UInt8(ascii: ",") else { break }
            position += 1
        }
        if position < bytes.count { endLine() }
        return true
    }

    func text(_ cell: Cell) throws(CurveTableError) -> String {
        guard let text = String(validating: bytes[cell.range], as: UTF8.self) else {
            throw CurveTableError(line: line, "not UTF-8 text")
        }
        return cell.hasQuotes ? text.replacing("\"\"", with: "\"") : text
    }

    /// Whether two cells of this text are written alike.
    func areEqual(_ left: Cell, _ right: Cell) -> Bool {
        left.isQuoted == right.isQuoted && bytes[left.range] == bytes[right.range]
    }

    /// The number that the cell is written as, NaN and infinities included; nil when it is none.
    func number(_ cell: Cell) -> Double? {
        // Decimal only: "0x10" is more likely a mistake than sixteen.
        let isDecimal = !bytes[cell.range].contains { $0 | 0x20 == UInt8(ascii: "x") }
        return isDecimal ? Double(String(decoding: bytes[cell.range], as: UTF8.self)) : nil
    }

    /// The whole number that the cell is written as, also as a float such as `3.0`; nil when it is none.
    func integer(_ cell: Cell) -> Int64? {
        var value: Int64 = 0
        for byte in bytes[cell.range] {
            let digit = byte &- UInt8(ascii: "0")
            // Anything but a few digits goes the long way.
            if digit > 9 || cell.range.count > 18 { return number(cell).flatMap { Int64(exactly: $0) } }
            value = value * 10 + Int64(digit)
        }
        return cell.range.isEmpty ? nil : value
    }

    private func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }
    private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private mutating func endLine() {
        let isPair = bytes[position] == 0x0D && position + 1 < bytes.count && bytes[position + 1] == 0x0A
        position += isPair ? 2 : 1
        currentLine += 1
    }

    private mutating func cell() throws(CurveTableError) -> Cell {
        while position < bytes.count, isBlank(bytes[position]) { position += 1 }
        if position < bytes.count, bytes[position] == UInt8(ascii: "\"") { return try quotedCell() }
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: ","), !isLineEnd(bytes[position]) {
            if bytes[position] == UInt8(ascii: "\"") {
                throw CurveTableError(line: currentLine, "a quote within a cell that does not begin with one")
            }
            position += 1
        }
        var end = position
        while end > start, isBlank(bytes[end - 1]) { end -= 1 }
        return Cell(range: start..<end, isQuoted: false, hasQuotes: false)
    }

    private mutating func quotedCell() throws(CurveTableError) -> Cell {
        let opened = currentLine
        position += 1
        let start = position
        var hasQuotes = false
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                guard position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "\"") else { break }
                hasQuotes = true
                position += 2
            } else if isLineEnd(byte) {
                endLine()
            } else {
                position += 1
            }
        }
        guard position < bytes.count else {
            throw CurveTableError(line: opened, "the quote that begins here is never closed")
        }
        let cell = Cell(range: start..<position, isQuoted: true, hasQuotes: hasQuotes)
        position += 1
        while position < bytes.count, isBlank(bytes[position]) { position += 1 }
        if position < bytes.count, bytes[position] != UInt8(ascii: ","), !isLineEnd(bytes[position]) {
            throw CurveTableError(line: currentLine, "text after a closing quote: expected a comma or the line's end")
        }
        return cell
    }
}

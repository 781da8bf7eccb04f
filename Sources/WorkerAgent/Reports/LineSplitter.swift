// SPDX-License-Identifier: MIT

/// Cuts a stream of bytes into lines at a bounded cost: of a line beyond the limit nothing is kept.
package struct LineSplitter: Sendable {
    package enum Line: Hashable, Sendable {
        /// Without its newline.
        case complete([UInt8])
        /// Given once, when the limit is passed; the rest is thrown away up to the newline.
        case tooLong
    }

    package let limit: Int
    private var partial: [UInt8] = []
    private var isDiscarding = false

    package init(limit: Int) {
        self.limit = limit
    }

    /// Adds what was read and gives what became complete.
    package mutating func feed(_ bytes: ArraySlice<UInt8>) -> [Line] {
        var lines: [Line] = []
        var rest = bytes
        while let newline = rest.firstIndex(of: 0x0A) {
            extend(rest[..<newline], &lines)
            if !isDiscarding { lines.append(.complete(partial)) }
            partial.removeAll(keepingCapacity: partial.capacity <= 64 << 10)
            isDiscarding = false
            rest = rest[(newline + 1)...]
        }
        extend(rest, &lines)
        return lines
    }

    /// What stands after the last newline, at the end of the stream.
    package mutating func finish() -> Line? {
        defer {
            partial = []
            isDiscarding = false
        }
        return isDiscarding || partial.isEmpty ? nil : .complete(partial)
    }

    private mutating func extend(_ bytes: ArraySlice<UInt8>, _ lines: inout [Line]) {
        if isDiscarding { return }
        if partial.count + bytes.count > limit {
            partial = []
            isDiscarding = true
            lines.append(.tooLong)
        } else {
            partial += bytes
        }
    }
}

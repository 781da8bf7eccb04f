// SPDX-License-Identifier: MIT

/// Makes a program's output safe for a terminal: line feeds, tabs and colors pass, all other control sequences, which
/// could move the cursor, set the title or send keys, do not. Text that is no UTF-8 gets replacement characters.
struct OutputFilter {
    private enum State: Hashable {
        case text, escape
        /// After a carriage return: the end of a line if a line feed follows, else of a progress bar's state.
        case carriageReturn
        /// Parameters of a control sequence, kept because it may be a color.
        case sequence([UInt8])
        /// Operating-system commands and the like, up to their terminator.
        case string
        case stringEscape
    }

    /// Without it bytes pass as they are.
    let isActive: Bool
    private var state = State.text
    /// The beginning of a character whose other bytes have not come yet.
    private var pending: [UInt8] = []

    init(isActive: Bool) {
        self.isActive = isActive
    }

    mutating func filter(_ bytes: [UInt8]) -> [UInt8] {
        guard isActive else { return bytes }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for byte in bytes { take(byte, &result) }
        let text = pending + result
        let cut = text.count - Self.unfinished(text)
        pending = Array(text[cut...])
        return Self.printable(text[..<cut])
    }

    mutating func finish() -> [UInt8] {
        defer { pending = [] }
        return Self.printable(pending[...])
    }

    private mutating func take(_ byte: UInt8, _ result: inout [UInt8]) {
        switch state {
        case .carriageReturn:
            if byte == 0x0D { return }
            state = .text
            // Each state of a progress bar gets a line of its own.
            if byte != 0x0A { result.append(0x0A) }
            take(byte, &result)
        case .text:
            if byte == 0x1B {
                state = .escape
            } else if byte == 0x0D {
                state = .carriageReturn
            } else if byte == 0x0A || byte == 0x09 || (byte >= 0x20 && byte != 0x7F) {
                result.append(byte)
            }
        case .escape:
            switch byte {
            case UInt8(ascii: "["): state = .sequence([])
            case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"):
                state = .string
            case 0x20...0x2F: break
            default: state = .text
            }
        case .sequence(let parameters):
            if (0x20...0x3F).contains(byte), parameters.count < 64 {
                state = .sequence(parameters + [byte])
            } else {
                state = .text
                let isColor =
                    byte == UInt8(ascii: "m")
                    && parameters.allSatisfy { (0x30...0x3B).contains($0) }
                if isColor { result += [0x1B, UInt8(ascii: "[")] + parameters + [byte] }
                if byte == 0x0A { result.append(byte) }
            }
        case .string:
            if byte == 0x07 || byte == 0x0A { state = .text }
            if byte == 0x1B { state = .stringEscape }
        case .stringEscape:
            state = byte == UInt8(ascii: "\\") ? .text : .string
        }
    }

    /// C1 controls and characters that reorder text come as UTF-8: they are only seen after decoding.
    private static func printable(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        guard bytes.contains(where: { $0 >= 0x80 }) else { return Array(bytes) }
        var result = String.UnicodeScalarView()
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            let isHostile =
                (0x80...0x9F).contains(scalar.value) || (0x202A...0x202E).contains(scalar.value)
                || (0x2066...0x2069).contains(scalar.value)
            if !isHostile { result.append(scalar) }
        }
        return Array(String(result).utf8)
    }

    /// How many bytes at the end begin a character that is not complete.
    private static func unfinished(_ bytes: [UInt8]) -> Int {
        for (back, byte) in bytes.reversed().prefix(3).enumerated() {
            if byte < 0x80 { return 0 }
            guard byte >= 0xC0 else { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
            return back + 1 < length ? back + 1 : 0
        }
        return 0
    }
}

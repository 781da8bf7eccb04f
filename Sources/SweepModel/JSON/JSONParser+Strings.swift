// SPDX-License-Identifier: MIT

extension JSONParser {
    /// The string whose opening quote is at `position`.
    mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        var isASCII = true
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = try text(start..<position, isASCII: isASCII)
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start, isASCII: isASCII) }
            if byte < 0x20 { throw JSONError(.controlCharacter, at: position) }
            if byte >= 0x80 { isASCII = false }
            position += 1
        }
        throw JSONError(.unexpectedEnd, at: position)
    }

    private func text(_ range: Range<Int>, isASCII: Bool) throws(JSONError) -> String {
        let slice = UnsafeBufferPointer(rebasing: bytes[range])
        if isASCII { return String(decoding: slice, as: UTF8.self) }
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw JSONError(.invalidUTF8, at: range.lowerBound)
        }
        return text
    }

    /// The slow path, from the first backslash on.
    private mutating func escapedString(from start: Int, isASCII: Bool) throws(JSONError) -> String {
        var text = try text(start..<position, isASCII: isASCII)
        while position < bytes.count {
            let runStart = position
            var runIsASCII = true
            while position < bytes.count, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
                if bytes[position] < 0x20 { throw JSONError(.controlCharacter, at: position) }
                if bytes[position] >= 0x80 { runIsASCII = false }
                position += 1
            }
            text += try self.text(runStart..<position, isASCII: runIsASCII)
            if try peek() == UInt8(ascii: "\"") {
                position += 1
                return text
            }
            text.unicodeScalars.append(try escape())
        }
        throw JSONError(.unexpectedEnd, at: position)
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let start = position
        position += 1
        let byte = try peek()
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape(from: start)
        default: throw JSONError(.invalidEscape, at: start)
        }
    }

    private mutating func unicodeEscape(from start: Int) throws(JSONError) -> Unicode.Scalar {
        let first = try fourHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { throw JSONError(.loneSurrogate, at: start) }
        position += 2
        let second = try fourHexDigits()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw JSONError(.loneSurrogate, at: start) }
        return scalar
    }

    private mutating func fourHexDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = try peek()
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw JSONError(.invalidEscape, at: position)
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}

// SPDX-License-Identifier: MIT

/// Damages texts: byte by byte, and by what is known of JSON and of YAML.
struct Mutator {
    private var state: UInt64

    /// The whole run is a function of the seed.
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    private static let pieces: [[UInt8]] = [
        "null", "true", "-1", "0", "1e999", "-1e-999", "9223372036854775807", "-9223372036854775808",
        "9223372036854775808", "18446744073709551616", "0.5", "\"NaN\"", "NaN", "\"\"", "[]", "{}",
        "[[[[", "{\"a\":",
        "\"\\ud83d\"", "\"\\udc00\\ud800\"", "\"\\u0000\"", ",", ":", "\"", "\\", "\"t\":\"bye\",",
        "\"t\":\"hello\",",
        "\u{FEFF}", "1.0", "-0", "\"9007199254740993\"", "\"-9223372036854775808\"", "\"Infinity\"",
        "\u{1B}[2J",
        "\u{202E}", "\n", "  ", "&a ", "*a", "!!python/object:os ", "? ", "- ", "|\n", "<<: *a", "%",
        "#", "sweepd1.",
        "tcp://*:1", "ipc://@x", "file:///etc/passwd", "../../x",
    ].map { Array($0.utf8) }

    mutating func mutated(_ original: [UInt8], corpus: [[UInt8]]) -> [UInt8] {
        var bytes = original
        for _ in 0...[0, 0, 1, 3][below(4)] where !bytes.isEmpty {
            let place = below(bytes.count)
            switch below(10) {
            case 0: bytes[place] = UInt8(below(256))
            case 1: bytes[place] ^= 1 << UInt8(below(8))
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(contentsOf: Self.pieces[below(Self.pieces.count)], at: place)
            case 4:
                let end = min(bytes.count, place + below(20))
                bytes.insert(contentsOf: bytes[place..<end], at: below(bytes.count))
            case 5: bytes.removeSubrange(place..<min(bytes.count, place + below(30)))
            case 6: splice(&bytes, at: place, corpus[below(corpus.count)])
            case 7: repeatPiece(in: &bytes, at: place)
            default: replaceValue(in: &bytes, from: place)
            }
        }
        return bytes
    }

    /// The beginning of one and the end of another.
    private mutating func splice(_ bytes: inout [UInt8], at place: Int, _ other: [UInt8]) {
        guard !other.isEmpty else { return }
        bytes.removeSubrange(place...)
        bytes += other[below(other.count)...]
    }

    /// Deep nesting, long strings, long lists.
    private mutating func repeatPiece(in bytes: inout [UInt8], at place: Int) {
        let piece = Self.pieces[below(Self.pieces.count)]
        let count = below(100) == 0 ? 5000 : below(40)
        bytes.insert(contentsOf: Array(repeating: piece, count: count).joined(), at: place)
    }

    /// Puts something else after the next colon, which keeps most messages well-formed.
    private mutating func replaceValue(in bytes: inout [UInt8], from place: Int) {
        guard let colon = bytes[place...].firstIndex(of: UInt8(ascii: ":")),
            let end = bytes[colon...].firstIndex(where: {
                $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}")
            })
        else { return }
        bytes.replaceSubrange(colon + 1..<end, with: Self.pieces[below(Self.pieces.count)])
    }
}

// SPDX-License-Identifier: MIT

/// Joe and Kuo's direction numbers, extended to 32 bits.
struct DirectionNumbers: Sendable {
    static let bits = 32
    /// The dimensions of the table: as many as have Sobol's property A.
    static let limit = 1111

    /// 32 words a dimension, most significant digit first: word j is toggled by bit j of the Gray code of the index.
    private let words: [UInt32]

    init(dimensions: Int) {
        precondition((0...Self.limit).contains(dimensions), "the table has \(Self.limit) dimensions")
        var reader = NumberReader(joeKuoTable)
        var words: [UInt32] = []
        words.reserveCapacity(dimensions * Self.bits)
        for _ in 0..<dimensions {
            let degree = Int(reader.next())
            let inner = reader.next()
            let initial = (0..<degree).map { _ in reader.next() }
            words += Self.expanded(initial, inner: inner)
        }
        self.words = words
    }

    /// The first 32 binary digits of the point `index` in the dimension, unscrambled.
    func digits(dimension: Int, index: UInt32) -> UInt32 {
        var remaining = index ^ (index >> 1)
        var result: UInt32 = 0
        let start = dimension * Self.bits
        while remaining != 0 {
            result ^= words[start + remaining.trailingZeroBitCount]
            remaining &= remaining - 1
        }
        return result
    }

    /// Bratley and Fox's recurrence, ACM TOMS 14 (1988), over m_j scaled to 2^(32 - j).
    private static func expanded(_ initial: [UInt32], inner: UInt32) -> [UInt32] {
        let degree = initial.count
        guard degree > 0 else { return (0..<bits).map { 1 << UInt32(bits - 1 - $0) } }
        var words: [UInt32] = []
        for j in 0..<bits {
            if j < degree {
                words.append(initial[j] << UInt32(bits - 1 - j))
                continue
            }
            var word = words[j - degree] ^ (words[j - degree] >> UInt32(degree))
            for k in 1..<max(degree, 1) where (inner >> UInt32(degree - 1 - k)) & 1 == 1 {
                word ^= words[j - k]
            }
            words.append(word)
        }
        return words
    }
}

/// Unsigned decimal numbers apart by anything that is no digit.
private struct NumberReader {
    private let text: StaticString
    private var offset = 0

    init(_ text: StaticString) {
        self.text = text
    }

    /// 0 at the end.
    mutating func next() -> UInt32 {
        text.withUTF8Buffer { bytes in
            while offset < bytes.count, !isDigit(bytes[offset]) { offset += 1 }
            var value: UInt32 = 0
            while offset < bytes.count, isDigit(bytes[offset]) {
                value = value &* 10 &+ UInt32(bytes[offset] - 48)
                offset += 1
            }
            return value
        }
    }

    private func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
}

// SPDX-License-Identifier: MIT

import WorkerProtocol

/// The last words of a child, fit for a terminal and for JSON.
package struct OutputTail: Sendable {
    private var bytes: [UInt8] = []

    package init() {}

    package mutating func append(_ more: ArraySlice<UInt8>) {
        bytes += more.suffix(2 * ProtocolLimits.tailBytes)
        // Trimmed seldom, so that a byte is moved at most twice.
        if bytes.count > 4 * ProtocolLimits.tailBytes { bytes.removeFirst(bytes.count - 2 * ProtocolLimits.tailBytes) }
    }

    /// Valid UTF-8 of at most `ProtocolLimits.tailBytes`, without escape sequences and control characters other than
    /// newline and tab. A progress bar's carriage returns become newlines.
    package var text: String {
        var result = String.UnicodeScalarView()
        var isEscape = false
        var isSequence = false
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            if isSequence {
                // ECMA-48: parameters and intermediates, then one final byte.
                if (0x40...0x7E).contains(scalar.value) { isSequence = false }
                continue
            }
            if isEscape {
                isEscape = false
                if scalar == "[" { isSequence = true }
                continue
            }
            switch scalar {
            case "\u{1B}": isEscape = true
            case "\n":
                if result.last == "\r" { result.removeLast() }
                result.append(scalar)
            case "\t", "\r": result.append(scalar)
            default: if scalar.properties.generalCategory != .control { result.append(scalar) }
            }
        }
        let lines = String(result).replacing("\r", with: "\n")
        guard lines.utf8.count > ProtocolLimits.tailBytes else { return lines }
        var size = 0
        let kept = lines.unicodeScalars.reversed().prefix { scalar in
            size += UTF8.width(scalar)
            return size <= ProtocolLimits.tailBytes
        }
        return String(String.UnicodeScalarView(kept.reversed()))
    }
}

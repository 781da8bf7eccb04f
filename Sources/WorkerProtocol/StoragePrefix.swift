// SPDX-License-Identifier: MIT

/// A URI below which checkpoints may lie, as the worker's owner named it.
///
/// Whoever reads a URI, a library of the script's most often, may decode it, may follow `..`, and may take a backslash
/// for a slash: what could lead out of the prefix for any of them is not below it.
package struct StoragePrefix: Hashable, Sendable {
    /// Scheme and authority, with what stands between them. All is compared byte by byte, as strings are not.
    private let root: [UInt8]
    /// Names from there on; a slash at the end counts for nothing.
    private let names: [[UInt8]]

    /// nil for what has no hierarchy that something could lie below, and for a query or a fragment.
    package init?(_ uri: String) {
        guard case .uri? = CheckpointLocation(uri), let parts = Self.parts(of: uri) else { return nil }
        root = parts.root
        var names = parts.names
        while names.last?.isEmpty == true { names.removeLast() }
        self.names = names
    }

    package func contains(_ location: String) -> Bool {
        guard case .uri? = CheckpointLocation(location), let parts = Self.parts(of: location), parts.root == root,
            parts.names.starts(with: names)
        else { return false }
        return parts.names.dropFirst(names.count).contains { !$0.isEmpty }
    }

    private static func parts(of uri: String) -> (root: [UInt8], names: [[UInt8]])? {
        let bytes = Array(uri.utf8)
        // A query may name another server, and a backslash is a slash to some.
        let others: [UInt8] = [UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\\")]
        guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F || others.contains($0) }),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        let slash = UInt8(ascii: "/")
        var path = bytes[(colon + 1)...]
        if path.starts(with: [slash, slash]) {
            path = path.dropFirst(2)
            path = path[(path.firstIndex(of: slash) ?? path.endIndex)...]
            // `s3://` alone is no place.
            if path.isEmpty, path.startIndex == colon + 3 { return nil }
        } else if path.first != slash {
            return nil
        }
        guard !leadsUp(path) else { return nil }
        let names = path.dropFirst().split(separator: slash, omittingEmptySubsequences: false)
        return (Array(bytes[..<path.startIndex]), names.map { Array($0) })
    }

    /// Whether it does for anybody, however often he decodes it.
    private static func leadsUp(_ path: ArraySlice<UInt8>) -> Bool {
        var bytes = Array(path)
        // Each round makes it shorter by two bytes for each thing decoded; nobody honest encodes so often.
        for _ in 0..<8 {
            let names = bytes.split { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
            let dot = UInt8(ascii: ".")
            if names.contains(where: { $0.elementsEqual([dot]) || $0.elementsEqual([dot, dot]) }) { return true }
            if bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) { return true }
            let decoded = decoded(bytes)
            if decoded == bytes { return false }
            bytes = decoded
        }
        return true
    }

    /// What is no encoded byte is left as it is, as lenient readers do.
    private static func decoded(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%"), let high = rest.first.flatMap(digit),
                let low = rest.dropFirst().first.flatMap(digit)
            else {
                result.append(byte)
                continue
            }
            result.append(high << 4 | low)
            rest = rest.dropFirst(2)
        }
        return result
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        byte < 0x80 ? Character(UnicodeScalar(byte)).hexDigitValue.map { UInt8($0) } : nil
    }
}

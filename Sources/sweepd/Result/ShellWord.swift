// SPDX-License-Identifier: MIT

/// A word as a shell reads it back. It is shown on terminals: what they would obey is spelt out, for which POSIX has no
/// quotes and bash, zsh and ksh have.
enum ShellWord {
    static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "-_./=+:@%,".utf8.contains(byte)
        }
        if isPlain, !text.isEmpty { return text }
        if Format.hasControls(text) { return "$'" + text.utf8.map(escaped).joined() + "'" }
        return "'" + text.replacing("'", with: "'\\''") + "'"
    }

    private static func escaped(_ byte: UInt8) -> String {
        let isPlain = (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "'") && byte != UInt8(ascii: "\\")
        if isPlain { return String(UnicodeScalar(byte)) }
        return (byte < 16 ? "\\x0" : "\\x") + String(byte, radix: 16)
    }
}

// SPDX-License-Identifier: MIT

import Foundation

/// Standard output and error, and what is known of the terminal behind them.
enum Terminal {
    /// Where text goes: results to the output; with `--json` progress makes way for them.
    enum Stream: Int32 {
        case output = 1
        case error = 2
    }

    static func isInteractive(_ stream: Stream = .output) -> Bool {
        isatty(stream.rawValue) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    static func usesColor(_ stream: Stream = .output) -> Bool {
        isInteractive(stream) && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
    }

    static func size(_ stream: Stream = .output) -> (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(stream.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (columns: 100, rows: 30)
        }
        return (columns: Int(size.ws_col), rows: Int(size.ws_row))
    }

    /// The width tables are cut to; nil where the output is no terminal.
    static var width: Int? { isInteractive() ? size().columns : nil }

    static func write(_ text: String, to stream: Stream = .output) { write(text, to: stream.rawValue) }

    static func line(_ text: String = "", to stream: Stream = .output) { write(text + "\n", to: stream.rawValue) }

    static func error(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// Written whole, in one call where the kernel allows it; a reader that went away is not our problem.
    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = ArraySlice(Array(text.utf8))
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 {
                if errno == EINTR { continue }
                return
            }
            bytes = bytes.dropFirst(written)
        }
    }
}

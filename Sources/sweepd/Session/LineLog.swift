// SPDX-License-Identifier: MIT

import Foundation
import Logging
import Synchronization

/// What happened, a line each.
struct LineLog: LogHandler {
    private let write: @Sendable (Line) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    /// What is written, before its time and level.
    private struct Line {
        let level: Logger.Level
        let text: String
    }

    private init(write: @escaping @Sendable (Line) -> Void) {
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).merging(metadata) { new, _ in new }
            .sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        write(Line(level: event.level, text: "\(event.message)\(fields)"))
    }

    private static var now: String { ISO8601DateFormatter().string(from: Date()) }

    /// The data directory's `sweepd.log`: what the live view has no room for.
    static func file(_ path: String, label: String) -> LineLog {
        let file = LogFile(path: path)
        return LineLog { line in file.write("\(now) \(line.level) \(label): \(line.text)\n") }
    }

    /// For a terminal or a service manager's journal, which adds its own time.
    static func standardError(label: String) -> LineLog {
        let isJournal = ProcessInfo.processInfo.environment["JOURNAL_STREAM"] != nil
        return LineLog { line in
            let level = line.level == .info ? "" : "\(line.level): "
            Terminal.error(Format.printable("\(isJournal ? "" : now + " ")\(level)\(line.text)"))
        }
    }
}

private final class LogFile: Sendable {
    private let path: String
    /// Opened with the first line: the data directory may not be there yet.
    private let descriptor = Mutex<Int32?>(nil)

    init(path: String) {
        self.path = path
    }

    deinit {
        descriptor.withLock { if let open = $0, open >= 0 { _ = close(open) } }
    }

    func write(_ line: String) {
        descriptor.withLock { known in
            let descriptor = known ?? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            known = descriptor
            guard descriptor >= 0 else { return }
            let bytes = Array(line.utf8)
            _ = Foundation.write(descriptor, bytes, bytes.count)
        }
    }
}

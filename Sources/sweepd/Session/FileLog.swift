// SPDX-License-Identifier: MIT

import Foundation
import Logging
import Synchronization

/// The data directory's `sweepd.log`: what the live view has no room for.
struct FileLogHandler: LogHandler {
    private final class Sink: Sendable {
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

    private let sink: Sink
    private let label: String
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    init(path: String, label: String) {
        sink = Sink(path: path)
        self.label = label
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).merging(metadata) { new, _ in new }
            .sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        let stamp = ISO8601DateFormatter().string(from: Date())
        sink.write("\(stamp) \(event.level) \(label): \(event.message)\(fields)\n")
    }
}

// SPDX-License-Identifier: MIT

import Foundation

/// One line a batch: first seed, number of seeds, commit, `passed` or `failed`, faults. The next call goes on behind the
/// last seed, so that totals add up over days.
struct Ledger {
    let path: String
    private(set) var next: UInt64 = 0
    private(set) var passed: UInt64 = 0
    private(set) var faults = 0

    init(path: String) {
        self.path = path
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count >= 5, let first = UInt64(fields[0]), let count = UInt64(fields[1]) else { continue }
            enter(first, count, String(fields[3]), Int(fields[4]) ?? 0)
        }
    }

    private mutating func enter(_ first: UInt64, _ count: UInt64, _ verdict: String, _ faults: Int) {
        next = max(next, first + count)
        self.faults += faults
        if verdict == "passed" { passed += count }
    }

    mutating func append(_ first: UInt64, _ count: UInt64, commit: String, isPassed: Bool, faults: Int) throws {
        let verdict = isPassed ? "passed" : "failed"
        enter(first, count, verdict, faults)
        if !FileManager.default.fileExists(atPath: path) {
            let folder = (path as NSString).deletingLastPathComponent
            if !folder.isEmpty {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            }
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("\(first) \(count) \(commit) \(verdict) \(faults)\n".utf8))
        try handle.close()
    }
}

// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// The journal's bytes as they lie on the disk, and what they mean. What was not committed is lost with the process.
struct SimulatedDisk {
    /// Everything that a copy of the database brings back.
    struct Image {
        let length: Int
        let replayed: Engine
        let book: Book
    }

    /// Lines of `EventCodec`.
    private(set) var journal: [UInt8] = []
    /// The journal's bytes decoded and replayed: the state of the next process.
    private(set) var replayed: Engine
    /// No space until then.
    var fullUntil: Int64 = 0
    /// The next commit fails to reach the disk, and ends the process.
    var failsNext = false
    /// How long the next commit takes.
    var slowness: Int64 = 0

    init(database: String, timers: EngineTimers) {
        replayed = Engine(database: database, timers: timers)
        replayed.trapsOnViolation = false
    }

    /// Writes a transaction and returns it as it is read back.
    mutating func append(_ bytes: [UInt8]) -> [JournalEntry] {
        journal += bytes
        var entries: [JournalEntry] = []
        Self.read(bytes) { entries.append($0) }
        return entries
    }

    /// What was read back has happened.
    mutating func replay(_ entries: [JournalEntry]) {
        for entry in entries { replayed.apply(entry) }
    }

    static func read(_ bytes: [UInt8], _ body: (JournalEntry) -> Void) {
        bytes.withUnsafeBufferPointer { all in
            var start = 0
            for place in all.indices where all[place] == UInt8(ascii: "\n") {
                do {
                    body(try EventCodec.decode(UnsafeBufferPointer(rebasing: all[start..<place])))
                } catch {
                    let line = String(decoding: all[start..<place], as: UTF8.self)
                    preconditionFailure("the journal's own line is not read: \(error): \(line)")
                }
                start = place + 1
            }
        }
    }

    static func line(_ entry: JournalEntry, to bytes: inout [UInt8]) {
        EventCodec.append(entry, to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
    }

    func image(_ book: Book) -> Image { Image(length: journal.count, replayed: replayed, book: book) }

    mutating func restore(_ image: Image) {
        journal.removeLast(journal.count - image.length)
        replayed = image.replayed
    }
}

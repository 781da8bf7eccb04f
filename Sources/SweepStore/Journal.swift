// SPDX-License-Identifier: MIT

import Foundation
import GRDB
import SweepEngine

/// The journal's rows: each holds up to 256 entries of one commit as lines of JSON, with a checksum over the row.
enum Journal {
    static let entriesPerBatch = 256

    /// The number the next entry gets; the first is 1.
    static func next(_ db: Database) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT first + count FROM journal ORDER BY first DESC LIMIT 1") ?? 1
    }

    /// Appends within the caller's transaction.
    static func append(_ entries: ArraySlice<JournalEntry>, first: Int64, _ db: Database) throws {
        var body: [UInt8] = []
        body.reserveCapacity(160 * entries.count)
        for entry in entries {
            if !body.isEmpty { body.append(UInt8(ascii: "\n")) }
            EventCodec.append(entry, to: &body)
        }
        let crc = body.withUnsafeBytes { checksum(first: first, count: Int64(entries.count), body: $0) }
        try db.cachedStatement(sql: "INSERT INTO journal (first, count, crc32c, body) VALUES (?, ?, ?, ?)")
            .execute(arguments: [first, entries.count, Int64(crc), Data(body)])
    }

    /// Row by row in order, each row checked before its first entry is passed on. Returns the number of rows.
    ///
    /// - Throws: `StoreError.damagedJournal`, and what `body` throws.
    @discardableResult
    static func read(
        _ db: Database, path: String, from start: Int64 = 1, _ body: (_ number: Int64, JournalEntry) throws -> Void
    ) throws -> Int {
        var expected = start
        var batches = 0
        let rows = try Row.fetchCursor(
            db, sql: "SELECT first, count, crc32c, body FROM journal WHERE first >= ? ORDER BY first",
            arguments: [start])
        while let row = try rows.next() {
            let first: Int64 = row[0], count: Int64 = row[1], crc: Int64 = row[2]
            guard first == expected else {
                throw StoreError.damagedJournal(
                    database: path, batch: first, reason: "event \(expected) should be the next")
            }
            try row.withUnsafeData(atIndex: 3) { data in
                try (data ?? Data()).withUnsafeBytes { bytes in
                    guard checksum(first: first, count: count, body: bytes) == UInt32(truncatingIfNeeded: crc) else {
                        throw StoreError.damagedJournal(database: path, batch: first, reason: "the checksum differs")
                    }
                    try lines(bytes, first: first, count: count, path: path, body)
                }
            }
            expected = first + count
            batches += 1
        }
        return batches
    }

    private static func lines(
        _ bytes: UnsafeRawBufferPointer, first: Int64, count: Int64, path: String,
        _ body: (_ number: Int64, JournalEntry) throws -> Void
    ) throws {
        try bytes.withMemoryRebound(to: UInt8.self) { buffer in
            var start = 0
            var number = first
            while start < buffer.count {
                var end = start
                while end < buffer.count, buffer[end] != UInt8(ascii: "\n") { end += 1 }
                let entry: JournalEntry
                do throws(EventCodecError) {
                    entry = try EventCodec.decode(UnsafeBufferPointer(rebasing: buffer[start..<end]))
                } catch {
                    throw StoreError.damagedJournal(database: path, batch: first, reason: "event \(number): \(error)")
                }
                try body(number, entry)
                number += 1
                start = end + 1
            }
            guard number == first + count else {
                throw StoreError.damagedJournal(
                    database: path, batch: first, reason: "it holds \(number - first) events instead of \(count)")
            }
        }
    }

    /// Over the row's numbers too, so that no row passes for another.
    private static func checksum(first: Int64, count: Int64, body: UnsafeRawBufferPointer) -> UInt32 {
        var crc = CRC32C()
        crc.update(first)
        crc.update(count)
        crc.update(body)
        return crc.value
    }
}

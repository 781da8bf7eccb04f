// SPDX-License-Identifier: MIT

import Foundation
import GRDB
import SweepEngine
import SweepStore
import TestSupport
import Testing

@Suite struct DamageTests {
    private static func filled(_ seed: UInt64 = 1) throws -> StoreFolder {
        let folder = StoreFolder()
        let store = try folder.open()
        for batch in Histories.batches(Histories.random(seed: seed), seed: seed) { try store.append(batch) }
        store.close()
        return folder
    }

    @Test(arguments: [
        "UPDATE journal SET crc32c = 0", "DELETE FROM journal", "INSERT INTO journal VALUES (1000000, 1, 0, x'')",
        "REPLACE INTO journal VALUES (1, 1, 0, x'')",
    ])
    func theJournalIsAppendOnly(sql: String) throws {
        let folder = try Self.filled()
        #expect(throws: DatabaseError.self) { try folder.tamper(sql) }
        #expect(try StoreReader.open(directory: folder.path).verify().isSound)
    }

    private static let unlock = "DROP TRIGGER journal_is_never_updated; DROP TRIGGER journal_is_never_deleted;"

    @Test(arguments: [
        "UPDATE journal SET body = CAST(x'00' || substr(body, 2) AS BLOB) WHERE first = BATCH",
        "UPDATE journal SET body = substr(body, 2) WHERE first = BATCH",
        "UPDATE journal SET count = count + 1 WHERE first = BATCH",
        "UPDATE journal SET body = (SELECT body FROM journal WHERE first = 1) WHERE first = BATCH",
    ])
    func aDamagedBatchIsNamed(sql: String) throws {
        let folder = try Self.filled()
        let queue = try DatabaseQueue(path: folder.database)
        let batch = try queue.inDatabase { try Int64.fetchOne($0, sql: "SELECT first FROM journal LIMIT 1 OFFSET 5") }
        try queue.close()
        let first = try #require(batch)
        try folder.tamper(Self.unlock + sql.replacingOccurrences(of: "BATCH", with: "\(first)"))
        let store = try folder.open()
        let error = #expect(throws: StoreError.self) { try store.replay { _ in } }
        guard case .damagedJournal(_, first, _)? = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        let report = try StoreReader.open(directory: folder.path).verify()
        #expect(report.problems.contains { $0.contains("begins with event \(first)") })
    }

    @Test func aMissingBatchIsNoticed() throws {
        let folder = try Self.filled()
        try folder.tamper(Self.unlock + "DELETE FROM journal WHERE first = 1")
        let store = try folder.open()
        #expect(throws: StoreError.self) { try store.replay { _ in } }
    }

    @Test(arguments: [
        "UPDATE trial SET value = 1 + coalesce(value, 0) WHERE number = 0",
        "UPDATE trial SET state = 'queued' WHERE number = 1",
        "DELETE FROM report WHERE rowid_of_nothing IS NULL", "UPDATE attempt SET worker = 'x' WHERE fence = 1",
        "INSERT INTO warning VALUES (1, 999, 'x', 0)", "UPDATE sweep SET name = 'other'",
        "UPDATE worker SET slots = slots + 1",
    ])
    func verifyFindsAnyTampering(sql: String) throws {
        let folder = try Self.filled(2)
        let all = "DELETE FROM report WHERE fence = (SELECT max(fence) FROM report)"
        try folder.tamper(sql.contains("rowid_of_nothing") ? all : sql)
        #expect(try !StoreReader.open(directory: folder.path).verify().isSound)
    }

    /// What a crash leaves: the database and some part of its log, at any moment.
    @Test(arguments: UInt64(0)..<12) func anyPartOfTheLogGivesACommittedPrefix(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let folder = StoreFolder(), copy = StoreFolder()
        let batches = Histories.batches(Histories.random(seed: seed), seed: seed)
        let store = try folder.open()
        let half = random.int(1...batches.count)
        for batch in batches[..<half] { try store.append(batch) }
        try FileManager.default.createDirectory(atPath: copy.path, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: folder.database, toPath: copy.database)
        let log = try Data(contentsOf: URL(fileURLWithPath: folder.database + "-wal"))
        let length = seed == 0 ? log.count : random.int(0...log.count)
        try log.prefix(length).write(to: URL(fileURLWithPath: copy.database + "-wal"))
        let entries = try copy.entries()
        var ends: Set<Int> = [0], end = 0
        for batch in batches[..<half] {
            end += batch.count
            ends.insert(end)
        }
        #expect(ends.contains(entries.count), "seed \(seed): half a commit")
        #expect(entries == Array(batches.flatMap { $0 }.prefix(entries.count)), "seed \(seed)")
        if length == log.count { #expect(entries.count == end, "seed \(seed): a commit is lost") }
        if !entries.isEmpty { #expect(try StoreReader.open(directory: copy.path).verify().isSound, "seed \(seed)") }
    }
}

// SPDX-License-Identifier: MIT

import Foundation
import GRDB
import SweepEngine
import SweepModel
import SweepStore
import Synchronization
import TestSupport

/// A data directory of a test's own, gone with it.
final class StoreFolder {
    let path: String

    init() {
        // Odd characters on purpose.
        path = FileManager.default.temporaryDirectory.appendingPathComponent("sweepd é%?#' \(UUID().uuidString)").path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    var database: String { "\(path)/sweepd.sqlite" }

    func open(_ options: StoreOptions = StoreOptions()) throws -> Store {
        try Store.open(directory: path, options: options)
    }

    /// All entries, from a store that is closed again.
    func entries() throws -> [JournalEntry] {
        let store = try open()
        defer { store.close() }
        return try store.entries()
    }

    /// Works on the database behind the store's back.
    func tamper(_ sql: String) throws {
        let queue = try DatabaseQueue(path: database)
        try queue.inDatabase { try $0.execute(sql: sql) }
        try queue.close()
    }
}

extension Store {
    func entries() throws -> [JournalEntry] {
        var entries: [JournalEntry] = []
        try replay { entries.append($0) }
        return entries
    }
}

enum Histories {
    /// What an engine decided in a world in which everything happens.
    static func random(seed: UInt64) -> [JournalEntry] {
        if let known = made.withLock({ $0[seed] }) { return known }
        // Some worlds are over before much has happened.
        var journal: [JournalEntry] = []
        var next = seed
        while journal.count < 100 {
            let world = World.brief(seed: next)
            world.run()
            journal = world.journal
            next += 1000
        }
        made.withLock { $0[seed] = journal }
        return journal
    }

    /// Many tests look at the same few, and a world takes its time.
    private static let made = Mutex<[UInt64: [JournalEntry]]>([:])

    /// What the first version could have written.
    static func early(seed: UInt64) -> [JournalEntry] {
        let world = World.early(seed: seed)
        world.run()
        return world.journal
    }

    /// The entries in batches of 1 to 300.
    static func batches(_ entries: [JournalEntry], seed: UInt64) -> [[JournalEntry]] {
        var random = SeededRandom(seed: seed)
        var batches: [[JournalEntry]] = []
        var start = 0
        while start < entries.count {
            let end = min(entries.count, start + random.int(1...(random.chance(0.1) ? 300 : 8)))
            batches.append(Array(entries[start..<end]))
            start = end
        }
        return batches
    }
}

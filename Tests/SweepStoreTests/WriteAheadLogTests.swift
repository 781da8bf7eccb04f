// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepModel
import SweepStore
import Testing

/// When the write-ahead log is copied into the database.
@Suite struct WriteAheadLogTests {
    private func size(_ folder: StoreFolder, _ suffix: String = "") throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: folder.database + suffix)[.size] as? Int)
    }

    private func entries(_ count: Int) -> [JournalEntry] {
        let entry = JournalEntry(at: Timestamp(milliseconds: 0), event: .coordinatorStarted(epoch: 1, version: "0"))
        return Array(repeating: entry, count: count)
    }

    /// A commit that a worker waits for copies nothing; the turn's end does, and the file stays as long as it was.
    @Test func commitsGrowItAndTidyingUpCopiesIt() throws {
        let folder = StoreFolder()
        let store = try folder.open()
        let empty = try size(folder)
        while try size(folder, "-wal") < 8 << 20 { try store.append(entries(600)) }
        #expect(try size(folder) == empty)
        store.tidy(isIdle: false)
        let copied = try size(folder)
        #expect(copied > empty)
        let log = try size(folder, "-wal")
        try store.append(entries(1))
        store.tidy(isIdle: true)
        #expect(try size(folder, "-wal") == log)
        #expect(try size(folder) == copied)
        store.close()
    }

    /// A reader keeps the log from starting over, so it only grows; when it has gone the file is emptied.
    @Test func whatAReaderLetGrowIsEmptiedWhenIdle() throws {
        let folder = StoreFolder()
        let store = try folder.open()
        try store.append(entries(1))
        let reader = try StoreReader.open(directory: folder.path)
        try reader.journal { _, _ in
            while try size(folder, "-wal") < 8 << 20 { try store.append(entries(600)) }
            store.tidy(isIdle: false)
        }
        reader.close()
        store.tidy(isIdle: false)
        #expect(try size(folder, "-wal") >= 8 << 20)
        store.tidy(isIdle: true)
        #expect(try size(folder, "-wal") == 0)
        store.close()
    }
}

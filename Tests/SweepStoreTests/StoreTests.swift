// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepModel
import SweepStore
import TestSupport
import Testing

@Suite struct StoreTests {
    @Test(arguments: UInt64(0)..<8) func whatWasAppendedIsReplayedAndVerifies(seed: UInt64) throws {
        let folder = StoreFolder()
        let entries = Histories.random(seed: seed)
        let batches = Histories.batches(entries, seed: seed)
        var store = try folder.open()
        let name = store.database
        for (index, batch) in batches.enumerated() {
            try store.append(batch)
            if index == batches.count / 2 {
                store.close()
                store = try folder.open()
            }
        }
        #expect(store.database == name)
        let reader = try StoreReader.open(directory: folder.path)
        #expect(try reader.database() == name)
        let report = try reader.verify()
        #expect(report.problems == [], "seed \(seed)")
        #expect(report.events == entries.count)
        store.close()
        #expect(try folder.entries() == entries, "seed \(seed)")
    }

    @Test func aSecondWriterIsRefusedAndToldWhoTheFirstIs() throws {
        let folder = StoreFolder()
        let first = try folder.open()
        let error = #expect(throws: StoreError.self) { try folder.open() }
        guard case .locked(_, let holder)? = error else {
            Issue.record("refused for another reason: \(String(describing: error))")
            return
        }
        #expect(holder.contains("process \(ProcessInfo.processInfo.processIdentifier) ("))
        first.close()
        try folder.open().close()
    }

    @Test func theDirectoryIsPrivate() throws {
        let folder = StoreFolder()
        try folder.open().close()
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.path)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
    }

    @Test func aFileIsNoDirectory() throws {
        let folder = StoreFolder()
        try Data().write(to: URL(fileURLWithPath: folder.path))
        #expect(throws: StoreError.notADirectory(folder.path)) { try folder.open() }
        #expect(throws: StoreError.notADirectory(folder.path)) { try StoreReader.open(directory: folder.path) }
    }

    @Test func nothingThereIsNothingToRead() throws {
        let folder = StoreFolder()
        #expect(throws: StoreError.noData(folder.path)) { try StoreReader.open(directory: folder.path) }
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        #expect(throws: StoreError.noData(folder.path)) { try StoreReader.open(directory: folder.path) }
    }

    private static let early = (UInt64(0)..<3).map { Histories.early(seed: $0) }

    /// A database of the first version has no column for what a proposal was made from: it can be looked at and verified
    /// as it is, and a coordinator brings it to this version.
    @Test func theFirstVersionIsReadAndBroughtToThisOne() throws {
        for entries in Self.early {
            try #require(
                entries.allSatisfy { entry in
                    switch entry.event {
                    case .asked, .told, .proposed(_, _, _, _?), .judged, .promoted, .retired, .checkpointDiscarded,
                        .readopted:
                        false
                    default: true
                    }
                })
            let folder = StoreFolder()
            let store = try folder.open()
            try store.append(entries)
            store.close()
            try folder.tamper(
                """
                ALTER TABLE trial DROP COLUMN basis; ALTER TABLE trial DROP COLUMN verdict;
                ALTER TABLE trial DROP COLUMN until; ALTER TABLE checkpoint DROP COLUMN discarded_at;
                ALTER TABLE worker DROP COLUMN key; ALTER TABLE worker DROP COLUMN offer; DROP TABLE credential;
                PRAGMA user_version = 1
                """)
            for _ in 0..<2 {
                let reader = try StoreReader.open(directory: folder.path)
                #expect(try reader.verify().problems == [])
                #expect(try reader.trials(of: SweepID(1)).count > 0)
                reader.close()
                #expect(try folder.entries() == entries)
            }
        }
        #expect(Self.early.count == 3)
    }

    @Test func aNewerVersionIsRefusedAndBothAreNamed() throws {
        let folder = StoreFolder()
        try folder.open().close()
        try folder.tamper("PRAGMA user_version = 7")
        let expected = StoreError.newerSchema(database: folder.database, found: 7, known: 4)
        #expect(throws: expected) { try folder.open() }
        #expect(throws: expected) { try StoreReader.open(directory: folder.path) }
        #expect(expected.description.contains("version 7") && expected.description.contains("to 4"))
    }

    @Test func foreignFilesAreRefused() throws {
        let folder = StoreFolder()
        try folder.open().close()
        try folder.tamper("PRAGMA application_id = 1")
        #expect(throws: StoreError.foreignDatabase(folder.database)) { try folder.open() }
        try Data(repeating: 65, count: 5000).write(to: URL(fileURLWithPath: folder.database))
        #expect(throws: StoreError.foreignDatabase(folder.database)) { try folder.open() }
    }

    @Test func aFullDiskKeepsWhatIsCommittedAndTheStoreGoesOn() throws {
        let folder = StoreFolder()
        let batches = Histories.batches(Histories.random(seed: 3), seed: 3)
        let store = try folder.open()
        // Less than it has means no more than it has.
        try store.limit(pages: 1)
        var refusals = 0
        for batch in batches {
            do {
                try store.append(batch)
            } catch StoreError.diskFull {
                refusals += 1
                #expect(throws: StoreError.diskFull(folder.path)) { try store.append(batch) }
                try store.limit(pages: nil)
                try store.append(batch)
                try store.limit(pages: 1)
            }
        }
        #expect(refusals > 0)
        #expect(try store.entries() == batches.flatMap { $0 })
        #expect(try StoreReader.open(directory: folder.path).verify().problems == [])
    }

    @Test func readersSeeOnlyWholeCommitsWhileAWriterIsAtWork() throws {
        let folder = StoreFolder()
        let batches = Histories.batches(Histories.random(seed: 5), seed: 5)
        let store = try folder.open()
        try store.append(batches[0])
        let reader = try StoreReader.open(directory: folder.path)
        var expected = Int64(batches[0].count)
        for batch in batches.dropFirst() {
            #expect(try reader.eventCount() == expected)
            try store.append(batch)
            expected += Int64(batch.count)
            _ = try reader.sweeps()
        }
        store.close()
        #expect(try reader.eventCount() == expected)
        #expect(try StoreReader.open(directory: folder.path).eventCount() == expected)
    }
}

/// Who may come in is kept beside the journal.
@Suite struct CredentialTests {
    @Test func theyAreKeptAndChangedInPlace() throws {
        let folder = StoreFolder()
        let store = try folder.open()
        let now = Timestamp(milliseconds: 5)
        var invitation = Credential(
            publicKey: "a", role: .workerInvitation, name: "", createdAt: now, expiresAt: Timestamp(milliseconds: 9),
            usesLeft: 2)
        var worker = Credential(publicKey: "b", role: .worker, name: "gpu1", createdAt: now, invitation: "a")
        try store.save([invitation, worker])
        #expect(try store.credentials() == [invitation, worker])
        invitation.usesLeft = 1
        worker.revokedAt = now
        try store.save([invitation, worker])
        store.close()
        let again = try folder.open()
        #expect(try again.credentials() == [invitation, worker])
        try again.save([Credential(publicKey: "c", role: .worker, name: "job", createdAt: now, usesLeft: 1)])
        #expect(try again.credentials().map(\.usesLeft) == [1, nil, 1])
        try again.forget(["c", "unknown"])
        again.close()
        let reader = try StoreReader.open(directory: folder.path)
        #expect(try reader.credentials() == [invitation, worker])
        #expect(try reader.verify().problems == [])
        reader.close()
    }
}

// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepModel
import SweepStore
import TestSupport
import Testing

/// What only a process of its own can show.
@Suite(.serialized) struct ProcessTests {
    @Test(arguments: [3, 17, 60]) func killedInTheMidstOfAppendingNothingAcknowledgedIsLost(commits: Int) async throws {
        let folder = StoreFolder()
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, commits = commits as Int] in
            let store = try Store.open(directory: path)
            let entry = JournalEntry(at: Timestamp(milliseconds: 0), event: .coordinatorStarted(epoch: 1, version: "0"))
            let entries = Array(repeating: entry, count: 600)
            let killer = Thread {
                // As soon as so many commits are acknowledged, whatever the writer is doing then.
                while (try? Data(contentsOf: URL(fileURLWithPath: path + "/acknowledged")))?.count ?? 0 < commits {}
                kill(getpid(), SIGKILL)
            }
            killer.start()
            let descriptor = open(path + "/acknowledged", O_CREAT | O_WRONLY | O_APPEND, 0o600)
            while true {
                try store.append(entries)
                write(descriptor, "x", 1)
                store.tidy(isIdle: false)
            }
        }
        let acknowledged = try Data(contentsOf: URL(fileURLWithPath: path + "/acknowledged")).count
        let reader = try StoreReader.open(directory: path)
        let before = try reader.eventCount()
        #expect(try reader.verify().problems == [])
        #expect(before % 600 == 0, "half a commit")
        #expect(before / 600 >= acknowledged && before / 600 <= acknowledged + 1)
        // The reader's close leaves the log for the next writer.
        let log = try FileManager.default.attributesOfItem(atPath: folder.database + "-wal")[.size] as? Int
        reader.close()
        #expect(try FileManager.default.attributesOfItem(atPath: folder.database + "-wal")[.size] as? Int == log)
        #expect(try #require(log) > 0)
        #expect(try folder.entries().count == Int(before))
    }
}

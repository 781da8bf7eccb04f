// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import Testing

@testable import sweepd

@Suite struct AgentTokenTests {
    /// Who knows the word can start processes that the next run would take for its own; a directory that a group writes to
    /// is no reason to show it.
    @Test(arguments: [0o700, 0o775] as [mode_t]) func onlyItsOwnerMayReadIt(directory: mode_t) throws {
        let data = DataDirectory(NSTemporaryDirectory() + "/sweepd-token-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: data.path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: data.path) }
        chmod(data.path, directory)
        let first = try AgentToken.renew(data)
        // One that an older version left for everybody to read is replaced too.
        chmod(data.agentFile, 0o644)
        let second = try AgentToken.renew(data)
        #expect(first != second)
        var status = stat()
        #expect(stat(data.agentFile, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        let text = try String(contentsOfFile: data.agentFile, encoding: .utf8)
        #expect(text == "{\"token\":\"\(second)\"}\n")
    }
}

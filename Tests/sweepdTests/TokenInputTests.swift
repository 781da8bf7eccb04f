// SPDX-License-Identifier: MIT

import Foundation
import Keys
import Testing
import ZeroMQ

@testable import sweepd

/// What is looked at before an invitation is used; nobody listens where these lead to.
@Suite struct TokenInputTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "/sweepd-invitation-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        chmod(folder, 0o700)
        let token = JoinToken(
            role: .worker, endpoints: [try Endpoint("tcp://127.0.0.1:1")],
            server: try CurveKeyPair.generate().publicKey, secret: try CurveKeyPair.generate().secret,
            expires: 4_000_000_000)
        try (token.text + "\n").write(toFile: folder + "/token", atomically: true, encoding: .utf8)
        chmod(folder + "/token", 0o600)
    }

    private func remove() { try? FileManager.default.removeItem(atPath: folder) }

    @Test(arguments: [0o640, 0o604] as [mode_t]) func anInvitationThatOthersMayReadIsRefused(mode: mode_t) throws {
        defer { remove() }
        chmod(folder + "/token", mode)
        let input = try TokenInput(folder + "/token")
        let error = #expect(throws: UserError.self) { try input.join(as: .worker, keepingAt: nil) }
        #expect(error?.message.contains("chmod 600 \(folder)/token") == true, "\(error?.message ?? "")")
    }

    @Test func aKeyThatCannotBeKeptUsesNoInvitationUp() throws {
        defer { remove() }
        let input = try TokenInput(folder + "/token")
        // A file stands where its folder would be; nobody was asked, which would have taken half a minute.
        let began = ContinuousClock.now
        #expect(throws: SecretFile.Failure.self) {
            try input.join(as: .worker, keepingAt: folder + "/token/worker.json")
        }
        #expect(ContinuousClock.now - began < .seconds(20))
    }
}

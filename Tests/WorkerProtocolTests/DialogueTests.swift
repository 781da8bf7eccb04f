// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import Testing

/// The scripted dialogues that every worker's session is tested against.
@Suite struct DialogueTests {
    private static func dialogues() throws -> [JSONValue] {
        let file = ConformanceTests.folder.appendingPathComponent("dialogues.json")
        let bytes = try [UInt8](Data(contentsOf: file))
        return try #require(try JSONValue.parse(bytes).arrayValue)
    }

    @Test func theSessionSaysWhatTheDialoguesSay() throws {
        let dialogues = try Self.dialogues()
        #expect(dialogues.count >= 40)
        for dialogue in dialogues {
            let steps = try #require(dialogue["steps"]?.arrayValue)
            var player = DialoguePlayer(dialogue)
            #expect(throws: Never.self, "\(dialogue["name"]?.text ?? "")") { try player.play(steps) }
        }
    }

    /// Whatever is expected is missed when it does not come, and whatever comes is noticed when it is not expected.
    @Test func noStepIsIdle() throws {
        for dialogue in try Self.dialogues() {
            let steps = try #require(dialogue["steps"]?.arrayValue)
            for (number, step) in steps.enumerated() {
                let isExpected = step["expects"] != nil
                guard isExpected || step["asks"] != nil else { continue }
                let isBeat = step["expects"]?["t"] == .string("beat")
                // What would come later than the last step does not come.
                let isLater = number + 1 == steps.count && step["at_ms"] != steps[number - 1]["at_ms"]
                var player = DialoguePlayer(dialogue)
                if !isBeat, !isLater {
                    let rest = Array(steps[..<number] + steps[(number + 1)...])
                    #expect(throws: DialoguePlayer.Failure.self, "\(step.text)") { try player.play(rest) }
                }
                let nonsense = JSONValue.object([
                    .init("at_ms", step["at_ms"] ?? .null), .init("within_ms", step["within_ms"] ?? .integer(0)),
                    .init(isExpected ? "expects" : "asks", .object([.init("t", .string("nonsense"))])),
                ])
                player = DialoguePlayer(dialogue)
                #expect(throws: DialoguePlayer.Failure.self, "\(step.text)") {
                    try player.play(steps[..<number] + [nonsense] + steps[(number + 1)...])
                }
            }
        }
    }
}

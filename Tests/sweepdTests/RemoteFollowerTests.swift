// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@testable import sweepd

/// What is shown of a sweep whose store is on another machine.
@Suite struct RemoteFollowerTests {
    private static func standing(_ members: String) throws -> RemoteStanding {
        try #require(RemoteStanding(try JSONValue.parse(#"{"id":3,"name":"s","done":3,"running":2,\#(members)}"#)))
    }

    @Test(arguments: [
        (#""state":"running","trials":9,"best":0.25"#, "s: running · 3 of 9 done · 2 running · best 0.25", false),
        (
            #""state":"running","trials":null,"best":null,"waits":"no worker is attached""#,
            "s: running · 3 trials done · 2 running · best – · waits: no worker is attached", false
        ),
        (
            #""state":"finished","reason":"trials","running":0,"trials":3,"best":1"#,
            "s: finished · 3 of 3 done · best 1", true
        ),
        (
            #""state":"finished","reason":"target","running":0,"trials":9,"best":1"#,
            "s: finished, the target is reached · 3 of 9 done · best 1", true
        ),
        (
            #""state":"finished","reason":"cancelled","running":0,"trials":9,"best":null"#,
            "s: cancelled · 3 of 9 done · best –", true
        ),
        // What runs has its last word yet.
        (
            #""state":"finished","reason":"stopped","trials":9,"best":1"#,
            "s: stopped · 3 of 9 done · 2 running · best 1", false
        ),
        (
            #""state":"paused","reason":"user","running":0,"trials":9,"best":1"#, "s: paused · 3 of 9 done · best 1",
            false
        ),
        (
            #""state":"paused","reason":"failures","running":0,"trials":9,"best":null"#,
            "s: paused, because the first trials failed quickly and none succeeded · 3 of 9 done · best –", true
        ),
        // A daemon of an earlier release gives no reason.
        (#""state":"finished","running":0,"trials":3,"best":1"#, "s: finished · 3 of 3 done · best 1", true),
    ])
    func theLineAndWhetherItIsOver(members: String, text: String, isOver: Bool) throws {
        let parts = members.contains("running\":0") ? #"{"name":"s","done":3,\#(members)}"# : nil
        let standing = try parts.map { try #require(RemoteStanding(try JSONValue.parse($0))) } ?? Self.standing(members)
        #expect(standing.text == text && standing.isOver == isOver)
    }

    @Test func theExitCodeIsThatOfARun() throws {
        #expect(try Self.standing(#""state":"finished","best":1"#).status == .finished)
        #expect(try Self.standing(#""state":"finished","best":null"#).status == .noTrialCompleted)
        #expect(try Self.standing(#""state":"paused","reason":"failures","best":null"#).status == .noTrialCompleted)
        #expect(RemoteStanding(.object([.init("name", .string("s"))])) == nil)
    }

    @Test func theDocumentOfAWatch() throws {
        let document = try Self.standing(#""state":"finished","reason":"trials","trials":3,"best":0.5"#).document
        #expect(
            document
                == #"{"schema":"sweepd.watch/1","sweep":"s","state":"finished","reason":"trials","done":3,"trials":3,"best":0.5}"#
        )
    }
}

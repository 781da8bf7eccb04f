// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import Testing
import WorkerProtocol

@testable import Coordinator

/// What comes in over the network is kept off the daemon's own workers.
@Suite struct ElsewhereTests {
    private func launch(_ rest: String = "command: [a]") -> OperatorRequest {
        let text = """
            name: s
            method: random
            metric: {name: loss}
            seed: 7
            trials: 3
            parameters: {x: {min: 0.0, max: 1.0}}
            \(rest)
            """
        return .launch(definition: text, directory: "/d")
    }

    private func requirements(_ request: OperatorRequest) throws -> [String] {
        guard case .launch(let text, "/d") = request else { return ["no launch"] }
        return try SweepFile.parse(text, file: "s", overrides: SweepFile.Overrides()).definition.placement.requires
    }

    @Test func aCommandIsKeptToOtherMachines() throws {
        let taken = try launch("command: [a]\nrequires: [big]").fromElsewhere(allowsCommands: false)
        #expect(try requirements(taken) == ["big", "elsewhere"])
        #expect(try taken.fromElsewhere(allowsCommands: false) == taken)
        #expect(try launch().fromElsewhere(allowsCommands: true) == launch())
        // What workers declare themselves, they run wherever they are.
        #expect(try launch("task: digits").fromElsewhere(allowsCommands: false) == launch("task: digits"))
        // Who launches it says what is wrong with it.
        let wrong = OperatorRequest.launch(definition: "method: bays", directory: "/d")
        #expect(try wrong.fromElsewhere(allowsCommands: false) == wrong)
    }

    @Test func keysAreTheOwnersAffair() throws {
        for request in [OperatorRequest.invite(.init()), .revoke("gpu1")] {
            #expect(throws: OperatorRequest.Malformed.self) { try request.fromElsewhere(allowsCommands: true) }
        }
        for request in [
            OperatorRequest.sweeps, .stop(SweepID(1)), .drain(worker: nil, isWanted: true),
            .best(SweepID(1), count: 3), .trial(TrialID(sweep: SweepID(1), number: 2)),
        ] {
            #expect(try request.fromElsewhere(allowsCommands: false) == request)
        }
    }

    /// A worker cannot give itself the label, nor take it off.
    @Test(arguments: [(nil, ["a", "b"]), ("gpu1", ["a", "b", "elsewhere"])] as [(String?, [String])])
    func theLabelFollowsFromTheKey(key: String?, expected: [String]) throws {
        for labels in [["a", "b"], ["a", "elsewhere", "b"]] {
            let hello = Hello(
                boot: "00", agent: "t", host: "h", processID: 1, slots: 1, offer: WorkerOffer(labels: labels))
            let arrival = Arrival.message(
                Connection([0]), PeerIdentity(name: "w", isLocal: false, key: key),
                Envelope(session: "", epoch: 0, message: .hello(hello)))
            guard case .message(_, _, let envelope) = arrival.labelled, case .hello(let labelled) = envelope.message
            else {
                Issue.record("no hello")
                return
            }
            #expect(labelled.offer.labels == expected)
            var definition = SweepDefinition(
                name: "s", method: .random, objective: Objective(metric: "loss"), space: SearchSpace([]), trials: 1,
                seed: 1, command: ["a"])
            definition.placement.requires = [Placement.elsewhere]
            #expect(labelled.offer.suits(definition) == (key != nil))
        }
    }
}

// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepModel
import WorkerProtocol

/// What is damaged: valid texts of every kind.
struct Corpus {
    struct Unreadable: Error { let path: String }

    let worker: [[UInt8]]
    let coordinator: [[UInt8]]
    let tokens: [[UInt8]]
    let connections: [[UInt8]]
    let sweepFiles: [[UInt8]]

    /// - Parameter root: of the repository, whose conformance vectors and examples these are.
    init(root: String) throws {
        func members(_ file: String, _ name: String) throws -> [[UInt8]] {
            let path = "\(root)/Workers/Conformance/\(file)"
            let limits = JSONLimits(maximumDepth: 64, maximumBytes: 64 << 20)
            guard let data = FileManager.default.contents(atPath: path),
                let list = try JSONValue.parse([UInt8](data), limits: limits).arrayValue
            else { throw Unreadable(path: path) }
            return list.compactMap { $0[name]?.stringValue.map { Array($0.utf8) } }.filter {
                $0.count < 64 << 10
            }
        }
        worker = try members("worker-messages.json", "text")
        coordinator = try members("coordinator-messages.json", "text")
        tokens = try members("tokens.json", "token")
        connections = try members("connections.json", "text")
        sweepFiles = ["digits", "branin", "plain-script"].compactMap { name in
            FileManager.default.contents(atPath: "\(root)/Workers/Examples/\(name)/sweep.yaml").map {
                [UInt8]($0)
            }
        }
        guard ![worker, coordinator, tokens, connections, sweepFiles].contains(where: \.isEmpty) else {
            throw Unreadable(path: root)
        }
    }

    static let operators: [[UInt8]] = [
        #"{"op":"ping"}"#, #"{"op":"launch","definition":"method: random","directory":"/home/me"}"#,
        #"{"op":"cancel","sweep":1,"trial":17}"#, #"{"op":"extend","sweep":1,"total":100}"#,
        #"{"op":"enqueue","sweep":1,"parameters":{"lr":0.1,"layers":3,"name":"x"}}"#,
        #"{"op":"tell","sweep":1,"trial":2,"value":0.25}"#,
        #"{"op":"continue","sweep":1,"trial":2,"steps":10}"#,
        #"{"op":"drain","worker":"gpu1","wanted":true}"#, #"{"op":"revoke","name":"gpu1"}"#,
        #"{"op":"invite","operator":false,"name":"gpu1","uses":3,"seconds":3600}"#,
        #"{"op":"retry","sweep":1}"#,
    ].map { Array($0.utf8) }

    static let enrolments: [[UInt8]] = [
        #"{"op":"enrol","key":"*..=cFxDPsHUg5CZPZX)E<B3EEhMC.^LAM^i1P}N","name":"gpu1"}"#
    ].map { Array($0.utf8) }

    static let taskFiles: [[UInt8]] = [
        """
        tasks:
          digits:
            command: ["${interpreter}", train.py, "${args}"]
            directory: /home/me/digits
            env: {OMP_NUM_THREADS: "4"}
          other: {program: x.py}
        """
    ].map { Array($0.utf8) }

    static let journal: [[UInt8]] = {
        let trial = TrialID(sweep: SweepID(3), number: 17)
        let fence = Fence(9)
        let configuration = Configuration([
            .init("lr", .number(0.1)), .init("layers", .integer(-3)), .init("a.b", .string("é\n\"\\},}")),
            .init("deep", .array([.object([.init("x", .string("]"))]), .number(1e300), .array([])])),
        ])
        let basis = ProposalBasis(
            origin: .model, position: 1 << 40, place: 1,
            fits: [
                ModelFit(
                    subject: .objective, position: 77, ordinal: 3, results: 40, start: [0.1, -1e-300],
                    found: [-0.0, .greatestFiniteMagnitude])
            ])
        let events: [Event] = [
            .coordinatorStarted(epoch: 2, version: "0.1"), .sweepPaused(SweepID(3), .user),
            .sweepPaused(SweepID(3), .failures(message: "exit code 1", tail: "Traceback\n")),
            .workerJoined(
                WorkerID("a-1"), WorkerFacts(agent: "x", host: "h", processID: 9, slots: 2, isLocal: true)),
            .workerLeft(WorkerID("a-1"), reason: "bye"),
            .proposed(trial, .sampler(index: 5), configuration),
            .proposed(trial, .sampler(index: 6), configuration, basis: basis),
            .leased(fence, trial, WorkerID("a-1"), attempt: 1), .accepted(fence),
            .stopRequested(fence, reason: "worse"),
            .told(trial, Settlement(state: .completed, value: 0.3)),
            .released(fence, .lost, .requeued(charged: true)),
            .observed(
                fence, sequence: 1, .report(step: -3, metrics: [MetricValue("a \"b\"", .infinity)])),
            .observed(
                fence, sequence: 2,
                .checkpoint(Checkpoint(step: 4, location: "/a b/\u{7F}é", digest: "00ff", bytes: 1 << 40))),
        ]
        return events.map { event in
            var bytes: [UInt8] = []
            EventCodec.append(
                JournalEntry(at: Timestamp(milliseconds: 1_700_000_000_000), event: event), to: &bytes)
            return bytes
        }
    }()
}

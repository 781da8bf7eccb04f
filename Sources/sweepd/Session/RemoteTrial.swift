// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// A trial as a daemon tells of it to those who cannot read its store.
struct RemoteTrial {
    /// What the daemon does not tell is as of a trial of which nothing is known.
    let record: TrialRecord
    let seed: UInt64
    /// The step of its last checkpoint; nil where it left none.
    let checkpointStep: Int64?
    let continuations: [Continuation]

    /// A trial that goes on from where this one ended.
    struct Continuation: Hashable {
        let trial: Int
        let untilStep: Int64
        let state: Trial.State
    }

    /// - Throws: `UserError` where the daemon is of another version.
    init(_ json: JSONValue) throws {
        guard let number = Self.number(json["trial"]), let state = Self.state(json["state"]),
            let parameters = json["parameters"]?.objectValue, let seed = Self.seed(json["seed"])
        else {
            throw UserError(
                "the daemon's answer is not understood: install the same release on both", status: .internalError)
        }
        var record = TrialRecord(
            number: number, state: state, configuration: Configuration(parameters.map { .init($0.name, $0.value) }),
            value: json["value"]?.doubleValue)
        if let parent = Self.number(json["parent"]), let until = json["until_step"]?.integerValue {
            record.source = .continuation(of: parent, until: until)
        }
        self.record = record
        self.seed = seed
        checkpointStep = json["checkpoint_step"]?.integerValue
        continuations = (json["continued_by"]?.arrayValue ?? []).compactMap { json in
            guard let trial = Self.number(json["trial"]), let until = json["until_step"]?.integerValue,
                let state = Self.state(json["state"])
            else { return nil }
            return Continuation(trial: trial, untilStep: until, state: state)
        }
    }

    /// Why it cannot be trained further, as far as the daemon's answer says; nil where it can.
    func objection(steps: Int64) -> String? {
        guard record.state.isOver else { return Continuing.notOver(record.state.rawValue) }
        guard let checkpointStep else { return Continuing.noCheckpoint }
        let until = checkpointStep.addingSaturated(steps)
        let same = continuations.first { $0.untilStep == until && !$0.state.isOver }
        return same.map { Continuing.alreadyTraining(in: $0.trial, until: until) }
    }

    /// The one that has trained it as far already.
    func trained(steps: Int64) -> String? {
        guard let until = checkpointStep?.addingSaturated(steps) else { return nil }
        let other = continuations.first {
            $0.untilStep >= until && ($0.state == .completed || $0.state == .stopped)
        }
        return other.map { Continuing.alreadyTrained(by: $0.trial, until: $0.untilStep) }
    }

    private static func number(_ json: JSONValue?) -> Int? { json?.integerValue.flatMap { Int(exactly: $0) } }
    private static func state(_ json: JSONValue?) -> Trial.State? {
        json?.stringValue.flatMap { Trial.State(rawValue: $0) }
    }

    /// One beyond 63 bits is a text.
    private static func seed(_ json: JSONValue?) -> UInt64? {
        json?.stringValue.flatMap { UInt64($0) } ?? json?.integerValue.flatMap { UInt64(exactly: $0) }
    }
}

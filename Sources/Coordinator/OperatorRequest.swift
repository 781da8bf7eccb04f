// SPDX-License-Identifier: MIT

import SweepEngine
package import SweepModel

/// What a command asks of a live coordinator. One JSON object each way; the peer is the owner by the socket's directory
/// and by the kernel's word on its uid.
package enum OperatorRequest: Hashable, Sendable {
    case ping
    case extend(SweepID, total: Int)
    case cancel(SweepID)
    case cancelTrial(TrialID)
    case pause(SweepID)
    case unpause(SweepID)
    /// Answered with the trial's number, or with a word to ask again.
    case ask(SweepID)
    /// nil: it failed.
    case tell(TrialID, value: Double?)
    /// A trial that is over is trained by so many steps more; answered with the new trial's number.
    case continueTrial(TrialID, steps: Int64)

    package static let magic = "sweepd-operator/1"

    package var json: JSONValue {
        func object(_ name: String, _ members: JSONValue.Member...) -> JSONValue {
            .object([JSONValue.Member("op", .string(name))] + members)
        }
        func sweep(_ id: SweepID) -> JSONValue.Member { .init("sweep", .integer(Int64(id.number))) }
        switch self {
        case .ping: return object("ping")
        case .extend(let id, let total): return object("extend", sweep(id), .init("total", .integer(Int64(total))))
        case .cancel(let id): return object("cancel", sweep(id))
        case .cancelTrial(let trial):
            return object("cancel", sweep(trial.sweep), .init("trial", .integer(Int64(trial.number))))
        case .pause(let id): return object("pause", sweep(id))
        case .unpause(let id): return object("unpause", sweep(id))
        case .ask(let id): return object("ask", sweep(id))
        case .tell(let trial, let value):
            return object(
                "tell", sweep(trial.sweep), .init("trial", .integer(Int64(trial.number))),
                .init("value", value.map { .number($0) } ?? .null))
        case .continueTrial(let trial, let steps):
            return object(
                "continue", sweep(trial.sweep), .init("trial", .integer(Int64(trial.number))),
                .init("steps", .integer(steps)))
        }
    }

    package struct Malformed: Error, CustomStringConvertible {
        package let description: String
    }

    package init(json: JSONValue) throws(Malformed) {
        func number(_ name: String) throws(Malformed) -> Int {
            guard let value = json[name]?.integerValue, let number = Int(exactly: value) else {
                throw Malformed(description: "the request's '\(name)' must be an integer")
            }
            return number
        }
        func sweep() throws(Malformed) -> SweepID { SweepID(try number("sweep")) }
        switch json["op"]?.stringValue {
        case "ping": self = .ping
        case "extend": self = .extend(try sweep(), total: try number("total"))
        case "cancel":
            if json["trial"] == nil {
                self = .cancel(try sweep())
            } else {
                self = .cancelTrial(TrialID(sweep: try sweep(), number: try number("trial")))
            }
        case "pause": self = .pause(try sweep())
        case "unpause": self = .unpause(try sweep())
        case "ask": self = .ask(try sweep())
        case "tell":
            let trial = TrialID(sweep: try sweep(), number: try number("trial"))
            guard let value = json["value"], value == .null || value.doubleValue != nil else {
                throw Malformed(description: "the request's 'value' must be a number, or null for a failed trial")
            }
            self = .tell(trial, value: value.doubleValue)
        case "continue":
            let trial = TrialID(sweep: try sweep(), number: try number("trial"))
            let steps = try number("steps")
            guard steps > 0 else { throw Malformed(description: "the request's 'steps' must be at least 1") }
            self = .continueTrial(trial, steps: Int64(steps))
        case let other:
            throw Malformed(description: "unknown operation '\(other ?? "")': this coordinator is of another version")
        }
    }
}

// SPDX-License-Identifier: MIT

import SweepEngine
package import SweepModel

/// `{"op":"cancel","sweep":1,"trial":17}`.
extension OperatorRequest {
    package var json: JSONValue {
        func object(_ name: String, _ members: JSONValue.Member...) -> JSONValue {
            .object([JSONValue.Member("op", .string(name))] + members)
        }
        func sweep(_ id: SweepID) -> JSONValue.Member { .init("sweep", .integer(Int64(id.number))) }
        func number(_ trial: TrialID) -> JSONValue.Member { .init("trial", .integer(Int64(trial.number))) }
        switch self {
        case .ping: return object("ping")
        case .sweeps: return object("sweeps")
        case .workers: return object("workers")
        case .trial(let trial): return object("trial", sweep(trial.sweep), number(trial))
        case .best(let id, let count): return object("best", sweep(id), .init("count", .integer(Int64(count))))
        case .launch(let definition, let directory):
            return object(
                "launch", .init("definition", .string(definition)), .init("directory", .string(directory)))
        case .extend(let id, let total): return object("extend", sweep(id), .init("total", .integer(Int64(total))))
        case .cancel(let id): return object("cancel", sweep(id))
        case .cancelTrial(let trial): return object("cancel", sweep(trial.sweep), number(trial))
        case .pause(let id): return object("pause", sweep(id))
        case .unpause(let id): return object("unpause", sweep(id))
        case .stop(let id): return object("stop", sweep(id))
        case .stopTrial(let trial): return object("stop", sweep(trial.sweep), number(trial))
        case .retry(let trial): return object("retry", sweep(trial.sweep), number(trial))
        case .retryFailed(let id): return object("retry", sweep(id))
        case .enqueue(let id, let configuration):
            return object("enqueue", sweep(id), .init("parameters", configuration.json))
        case .ask(let id): return object("ask", sweep(id))
        case .tell(let trial, let value):
            return object(
                "tell", sweep(trial.sweep), number(trial), .init("value", value.map { .number($0) } ?? .null))
        case .continueTrial(let trial, let steps):
            return object("continue", sweep(trial.sweep), number(trial), .init("steps", .integer(steps)))
        case .drain(let worker, let isWanted):
            return object(
                "drain", .init("worker", worker.map { .string($0) } ?? .null), .init("wanted", .bool(isWanted)))
        case .invite(let invitation):
            return object(
                "invite", .init("operator", .bool(invitation.isOperator)),
                .init("name", invitation.name.map { .string($0) } ?? .null),
                .init("uses", .integer(Int64(invitation.uses))),
                .init("seconds", .integer(invitation.lifetime.components.seconds)))
        case .revoke(let name): return object("revoke", .init("name", .string(name)))
        }
    }

    package init(json: JSONValue) throws(Malformed) {
        func number(_ name: String) throws(Malformed) -> Int {
            guard let value = json[name]?.integerValue, let number = Int(exactly: value) else {
                throw Malformed(description: "the request's '\(name)' must be an integer")
            }
            return number
        }
        func text(_ name: String) throws(Malformed) -> String {
            guard let text = json[name]?.stringValue else {
                throw Malformed(description: "the request's '\(name)' must be a text")
            }
            return text
        }
        func sweep() throws(Malformed) -> SweepID { SweepID(try number("sweep")) }
        func trial() throws(Malformed) -> TrialID { TrialID(sweep: try sweep(), number: try number("trial")) }
        let isOfTrial = json["trial"] != nil
        switch json["op"]?.stringValue {
        case "ping": self = .ping
        case "sweeps": self = .sweeps
        case "workers": self = .workers
        case "trial": self = .trial(try trial())
        case "best":
            let count = try number("count")
            guard count > 0 else { throw Malformed(description: "the request's 'count' must be at least 1") }
            self = .best(try sweep(), count: count)
        case "launch": self = .launch(definition: try text("definition"), directory: try text("directory"))
        case "extend": self = .extend(try sweep(), total: try number("total"))
        case "cancel": self = isOfTrial ? .cancelTrial(try trial()) : .cancel(try sweep())
        case "pause": self = .pause(try sweep())
        case "unpause": self = .unpause(try sweep())
        case "stop": self = isOfTrial ? .stopTrial(try trial()) : .stop(try sweep())
        case "retry": self = isOfTrial ? .retry(try trial()) : .retryFailed(try sweep())
        case "enqueue":
            guard let members = json["parameters"]?.objectValue else {
                throw Malformed(description: "the request's 'parameters' must be an object")
            }
            self = .enqueue(try sweep(), Configuration(members.map { .init($0.name, $0.value) }))
        case "ask": self = .ask(try sweep())
        case "tell":
            guard let value = json["value"], value == .null || value.doubleValue != nil else {
                throw Malformed(description: "the request's 'value' must be a number, or null for a failed trial")
            }
            self = .tell(try trial(), value: value.doubleValue)
        case "continue":
            let steps = try number("steps")
            guard steps > 0 else { throw Malformed(description: "the request's 'steps' must be at least 1") }
            self = .continueTrial(try trial(), steps: Int64(steps))
        case "drain":
            self = .drain(worker: json["worker"]?.stringValue, isWanted: json["wanted"] != .bool(false))
        case "invite": self = .invite(try Self.invitation(json))
        case "revoke": self = .revoke(try text("name"))
        case let other:
            throw Malformed(description: "unknown operation '\(other ?? "")': this coordinator is of another version")
        }
    }

    private static func invitation(_ json: JSONValue) throws(Malformed) -> Invitation {
        var invitation = Invitation()
        invitation.isOperator = json["operator"] == .bool(true)
        invitation.name = json["name"]?.stringValue
        guard let uses = json["uses"]?.integerValue, (1...10_000).contains(uses),
            let seconds = json["seconds"]?.integerValue, (1...31 * 86_400).contains(seconds)
        else { throw Malformed(description: "an invitation is for 1 to 10000 uses and at most 31 days") }
        invitation.uses = Int(uses)
        invitation.lifetime = .seconds(seconds)
        if let name = invitation.name, !Placement.isName(name) {
            throw Malformed(description: "the name of an invitation must be a word of at most 64 characters")
        }
        return invitation
    }
}

// SPDX-License-Identifier: MIT

import SearchAlgorithms
import SweepModel

/// Reads the space of `optimize --stdio` by the rules of the sweep file, which it is turned into.
enum OptimizeSpace {
    /// - Returns: the definition, and what is worth a word about how it was written.
    /// - Throws: `OptimizeError` with what is wrong.
    static func definition(
        _ request: JSONValue, method: String, seed: UInt64, trials: Int?, maximumStep: Int?
    ) throws(OptimizeError) -> (SweepDefinition, warnings: [String]) {
        guard case .array(let entries)? = request["space"] else {
            throw OptimizeError("init needs \"space\", a list of parameters")
        }
        var names: Set<String> = []
        var parameters: [JSONValue.Member] = []
        for (place, entry) in entries.enumerated() {
            guard case .object = entry, let name = entry["name"]?.stringValue, !name.isEmpty else {
                throw OptimizeError("space[\(place)] needs a \"name\"")
            }
            guard names.insert(name).inserted else { throw OptimizeError("space has two parameters named '\(name)'") }
            parameters.append(.init(name, try parameter(entry, name: name)))
        }
        var members: [JSONValue.Member] = [
            .init("name", .string("optimize")), .init("method", .string(method)),
            .init("metric", .object([.init("name", .string("value")), .init("goal", .string(try goal(request)))])),
            .init("seed", .string(String(seed))), .init("parameters", .object(parameters)),
        ]
        if let stopper = try stopper(request, maximumStep: maximumStep) {
            members.append(.init("early_terminate", stopper))
        }
        if let trials { members.append(.init("trials", .integer(Int64(trials)))) }
        let file: SweepFile
        do {
            file = try SweepFile.parse(JSONValue.object(members).text, file: "space")
        } catch {
            throw OptimizeError(error.errors.map(text).joined(separator: "; "))
        }
        // What else a sweep file may lack is no matter here.
        let warnings = file.warnings.filter { ["parameters", "early_terminate"].contains(topKey(of: $0)) }
        return (try withoutWorkers(file.definition), unknownKeys(request) + warnings.map(text))
    }

    private static func topKey(of diagnostic: Diagnostic) -> String {
        String(diagnostic.field.prefix { $0 != "." && $0 != "[" })
    }

    /// With the fields as the caller calls them.
    private static func text(_ diagnostic: Diagnostic) -> String {
        let path = diagnostic.field.split(separator: ".", maxSplits: 1).map(String.init)
        let field =
            path.first == "early_terminate" ? (["stopper"] + path.dropFirst()).joined(separator: ".") : path.last ?? ""
        let hint = diagnostic.suggestion.map { "; \($0)" } ?? ""
        return "\(field): \(diagnostic.message)\(hint)"
    }

    private static func unknownKeys(_ request: JSONValue) -> [String] {
        let known = ["op", "space", "seed", "direction", "method", "trials", "stopper", "max_steps"]
        return request.members.map(\.name).filter { !known.contains($0) }.map { name in
            let hint = nearestWord(to: name, in: known).map { "; did you mean '\($0)'?" } ?? ""
            return "init has no \"\(name)\"\(hint)"
        }
    }

    /// The caller trains, and is told to go on or to stop: there is nothing between.
    private static func withoutWorkers(_ definition: SweepDefinition) throws(OptimizeError) -> SweepDefinition {
        guard let termination = definition.earlyTermination else { return definition }
        if termination.controlShare > 0 {
            throw OptimizeError(
                "stopper.control: only a sweep has controls; a caller of its own decides which stops it obeys")
        }
        if case .asha(_, .promotion) = termination.rule {
            throw OptimizeError(
                "stopper.variant: promotion pauses trials, and no trial pauses here; use \"variant\":\"stopping\"")
        }
        var definition = definition
        // Here, so that the model compares trials at the steps where the rule does.
        definition.earlyTermination = termination.withRuleChosen(hasCheckpoints: false)
        return definition
    }

    private static func goal(_ request: JSONValue) throws(OptimizeError) -> String {
        guard let direction = request["direction"] else { return Objective.Goal.minimize.rawValue }
        guard let text = direction.stringValue, Objective.Goal(rawValue: text) != nil else {
            throw OptimizeError("\"direction\" must be \"minimize\" or \"maximize\"")
        }
        return text
    }

    /// A pruner by its name, or an `early_terminate` of the sweep file.
    private static func stopper(_ request: JSONValue, maximumStep: Int?) throws(OptimizeError) -> JSONValue? {
        guard let written = request["stopper"], written != .null else { return nil }
        var members: [JSONValue.Member]
        switch written {
        case .string("none"): return nil
        case .string: members = [.init("type", written)]
        case .object(let given): members = given
        case .null, .bool, .integer, .number, .array:
            throw OptimizeError("\"stopper\" must be a pruner's name, such as \"asha\" or \"auto\"")
        }
        if let maximumStep, written["max_step"] == nil {
            members.append(.init("max_step", .integer(Int64(maximumStep))))
        }
        return .object(members)
    }

    /// An entry as a parameter of a sweep file. One with a `type` is translated, any other is one already.
    private static func parameter(_ entry: JSONValue, name: String) throws(OptimizeError) -> JSONValue {
        let own = ["name", "type", "condition"]
        var members: [JSONValue.Member]
        switch entry["type"] {
        case .string where entry["distribution"] != nil:
            throw OptimizeError("'\(name)' has a \"type\" and a \"distribution\": write one of them")
        case .string("float"): members = try range(entry, name: name, distribution: "uniform")
        case .string("int"): members = try range(entry, name: name, distribution: "int_uniform")
        case .string("categorical"): members = try renamed(entry, name: name, [("choices", "values")])
        case .string(let other):
            let hint = nearestWord(to: other, in: ["float", "int", "categorical"]).map { "; did you mean '\($0)'?" }
            throw OptimizeError("'\(name)' has the unknown type '\(other)'\(hint ?? "")")
        case nil: members = entry.members
        case .null, .bool, .integer, .number, .array, .object:
            throw OptimizeError("the type of '\(name)' must be \"float\", \"int\" or \"categorical\"")
        }
        members.removeAll { own.contains($0.name) }
        if let condition = entry["condition"] {
            guard let parent = condition["param"]?.stringValue, let values = condition["in"] else {
                throw OptimizeError("the condition of '\(name)' must be {\"param\": name, \"in\": [values]}")
            }
            members.append(.init("when", .object([.init(parent, values)])))
        }
        return .object(members)
    }

    /// A range of one point is a constant, which the sweep file does not write as a range.
    private static func range(
        _ entry: JSONValue, name: String, distribution: String
    ) throws(OptimizeError) -> [JSONValue.Member] {
        guard let low = entry["low"], let bound = low.doubleValue, bound == entry["high"]?.doubleValue else {
            return [.init("distribution", .string(distribution))]
                + (try renamed(entry, name: name, [("low", "min"), ("high", "max")]))
        }
        guard distribution != "int_uniform" || low.integerValue != nil else {
            throw OptimizeError("'\(name)' is an integer, and its only value \(low.text) is none")
        }
        if entry["log"] == .bool(true), bound <= 0 {
            throw OptimizeError("'\(name)' is on a logarithmic scale, where \(low.text) is not")
        }
        return [.init("value", low)]
    }

    /// The entry's members, some of which the sweep file calls otherwise.
    private static func renamed(
        _ entry: JSONValue, name: String, _ names: [(here: String, there: String)]
    ) throws(OptimizeError) -> [JSONValue.Member] {
        var members = entry.members
        for (here, there) in names {
            guard entry[there] == nil else {
                throw OptimizeError("'\(name)': with a \"type\", \"\(there)\" is written \"\(here)\"")
            }
            guard let place = members.firstIndex(where: { $0.name == here }) else { continue }
            members[place] = .init(there, members[place].value)
        }
        return members
    }
}

/// What is wrong with a request; the conversation goes on.
struct OptimizeError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension JSONValue {
    fileprivate var members: [Member] {
        if case .object(let members) = self { members } else { [] }
    }
}

// SPDX-License-Identifier: MIT

import SearchAlgorithms
import SweepModel

/// Reads the space of `optimize --stdio` by the rules of the sweep file, which it is turned into.
enum OptimizeSpace {
    /// - Throws: `OptimizeError` with what is wrong.
    static func definition(
        _ request: JSONValue, method: String, seed: UInt64, trials: Int?, maximumStep: Int?
    ) throws(OptimizeError) -> SweepDefinition {
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
        let definition: SweepDefinition
        do {
            definition = try SweepFile.parse(JSONValue.object(members).text, file: "space").definition
        } catch {
            throw OptimizeError(
                error.errors.map { diagnostic in
                    let field = diagnostic.field.split(separator: ".", maxSplits: 1).last.map(String.init) ?? ""
                    let hint = diagnostic.suggestion.map { "; \($0)" } ?? ""
                    return "\(field): \(diagnostic.message)\(hint)"
                }.joined(separator: "; "))
        }
        return try withoutWorkers(definition)
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
        let translated = ["name", "type", "condition", "low", "high", "choices"]
        var members = entry.members.filter { !translated.contains($0.name) }
        func take(_ key: String, as other: String) {
            if let value = entry[key] { members.append(.init(other, value)) }
        }
        switch entry["type"]?.stringValue {
        case "float"?:
            if let value = entry["low"], value == entry["high"] { return .object([.init("value", value)]) }
            members.append(.init("distribution", .string("uniform")))
            take("low", as: "min")
            take("high", as: "max")
        case "int"?:
            if let value = entry["low"], value == entry["high"] { return .object([.init("value", value)]) }
            members.append(.init("distribution", .string("int_uniform")))
            take("low", as: "min")
            take("high", as: "max")
        case "categorical"?:
            take("choices", as: "values")
        case let other?:
            let hint = nearestWord(to: other, in: ["float", "int", "categorical"]).map { "; did you mean '\($0)'?" }
            throw OptimizeError("'\(name)' has the unknown type '\(other)'\(hint ?? "")")
        case nil:
            break
        }
        if let condition = entry["condition"] {
            guard let parent = condition["param"]?.stringValue, let values = condition["in"] else {
                throw OptimizeError("the condition of '\(name)' must be {\"param\": name, \"in\": [values]}")
            }
            members.append(.init("when", .object([.init(parent, values)])))
        }
        return .object(members)
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

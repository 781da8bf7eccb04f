// SPDX-License-Identifier: MIT

import SearchAlgorithms
import SweepModel

/// The conversation of `optimize --stdio`: one request in, one answer out. Nothing is stored; a caller that wants to go
/// on later keeps what it told and loads it again.
struct OptimizeSession {
    private let method: String?
    private var search: SearchState?

    /// - Parameter method: used when `init` names none.
    init(method: String?) {
        self.method = method
    }

    /// The answer to a line.
    mutating func answer(_ line: String) -> String {
        do throws(OptimizeError) {
            return try answer(parsed(line)).text
        } catch {
            return JSONValue.object([.init("error", .string(error.description))]).text
        }
    }

    private func parsed(_ line: String) throws(OptimizeError) -> JSONValue {
        do throws(JSONError) {
            var limits = JSONLimits(maximumBytes: .max)
            limits.allowsBareNonFinite = true
            return try JSONValue.parse(Array(line.utf8), limits: limits)
        } catch {
            throw OptimizeError("not one line of JSON: \(error)")
        }
    }

    private mutating func answer(_ request: JSONValue) throws(OptimizeError) -> JSONValue {
        let ok = JSONValue.object([.init("ok", .bool(true))])
        switch request["op"]?.stringValue {
        case "init"?:
            return try begin(request)
        case "ask"?:
            let count = try integer(request, "n", in: 1...10_000) ?? 1
            return .object([.init("trials", .array(try ask(count).map { $0.json }))])
        case "tell"?:
            guard let id = try integer(request, "id", in: 0...Int.max) else {
                throw OptimizeError("tell needs an \"id\"")
            }
            try tell(id, try value(request))
            return ok
        case "begin"?: return .object([.init("id", .integer(Int64(try begin(trial: request))))])
        case "report"?: return try report(request)
        case "load"?:
            try load(request)
            return ok
        case let other:
            let words = ["init", "ask", "tell", "load", "begin", "report"]
            let hint = other.flatMap { nearestWord(to: $0, in: words) }.map { "; did you mean '\($0)'?" }
            throw OptimizeError("\"op\" must be one of \(words.joined(separator: ", "))\(hint ?? "")")
        }
    }

    private mutating func begin(_ request: JSONValue) throws(OptimizeError) -> JSONValue {
        let methods = SweepDefinition.Method.allCases.map(\.rawValue)
        let written = request["method"] ?? .null
        guard written == .null || written.stringValue != nil else { throw OptimizeError("\"method\" must be a name") }
        let named = written.stringValue ?? method ?? SweepDefinition.Method.bayes.rawValue
        guard methods.contains(named) else {
            let hint = nearestWord(to: named, in: methods).map { "; did you mean '\($0)'?" } ?? ""
            throw OptimizeError("there is no method '\(named)'\(hint)")
        }
        var seed: UInt64 = 0
        if let written = request["seed"] {
            // Beyond 2^63 as a text, since JSON's integers end there.
            let number = written.integerValue.flatMap { UInt64(exactly: $0) } ?? UInt64(written.stringValue ?? "")
            guard let number else { throw OptimizeError("\"seed\" must be a whole number from 0") }
            seed = number
        }
        let (definition, warnings) = try OptimizeSpace.definition(
            request, method: named, seed: seed, trials: try integer(request, "trials", in: 1...1_000_000_000),
            maximumStep: try integer(request, "max_steps", in: 1...Int.max))
        do throws(SamplerError) {
            search = SearchState(definition, sampler: try SweepSampler(for: definition))
        } catch {
            throw OptimizeError(error.description)
        }
        var answer: [JSONValue.Member] = [.init("ok", .bool(true))]
        let choice = MethodChoice(definition)
        if let reason = choice.reason {
            answer += [.init("method", .string(choice.method.rawValue)), .init("reason", .string(reason))]
        }
        let stopper = request["stopper"]?["type"] ?? request["stopper"]
        if stopper == .string("auto"), let rule = definition.earlyTermination?.rule {
            answer.append(.init("stopper", .string(rule.name)))
        }
        if !warnings.isEmpty { answer.append(.init("warnings", .array(warnings.map { .string($0) }))) }
        return .object(answer)
    }

    private mutating func ask(_ count: Int) throws(OptimizeError) -> [AskedTrial] {
        guard search != nil else { throw OptimizeError("begin with \"init\"") }
        return search?.ask(count) ?? []
    }

    private mutating func tell(_ id: Int, _ value: Double?) throws(OptimizeError) {
        try checkPending(id)
        search?.tell(id, value)
    }

    /// A trial whose configuration the caller chose.
    private mutating func begin(trial request: JSONValue) throws(OptimizeError) -> Int {
        guard let space = search?.definition.space else { throw OptimizeError("begin with \"init\"") }
        let configuration: Configuration
        do throws(ConfigurationError) {
            configuration = try space.configuration(reading: request["params"] ?? .null)
        } catch {
            throw OptimizeError(error.description)
        }
        return search?.begin(configuration).id ?? 0
    }

    private mutating func report(_ request: JSONValue) throws(OptimizeError) -> JSONValue {
        guard let id = try integer(request, "id", in: 0...Int.max) else {
            throw OptimizeError("report needs an \"id\"")
        }
        guard let step = try integer(request, "step", in: 0...Int.max) else {
            throw OptimizeError("report needs a \"step\"")
        }
        guard let value = request["value"]?.doubleValue else {
            throw OptimizeError("report needs a \"value\" that is a number")
        }
        try checkPending(id)
        if let last = search?.lastStep(id), step <= last {
            throw OptimizeError("step \(step) of trial \(id) comes after step \(last): steps only ever grow")
        }
        guard let verdict = search?.report(id, step: Int64(step), value: value) else {
            return .object([.init("stop", .bool(false))])
        }
        return .object([.init("stop", .bool(true)), .init("reason", .string(verdict.shortText))])
    }

    private func checkPending(_ id: Int) throws(OptimizeError) {
        guard let state = search else { throw OptimizeError("begin with \"init\"") }
        guard state.isPending(id) else {
            throw OptimizeError(
                state.wasAsked(id) ? "trial \(id) was told already, and a tell is final" : "trial \(id) was never asked"
            )
        }
    }

    private mutating func load(_ request: JSONValue) throws(OptimizeError) {
        guard let space = search?.definition.space else { throw OptimizeError("begin with \"init\"") }
        guard case .array(let entries)? = request["trials"] else {
            throw OptimizeError("load needs \"trials\", a list of {\"params\": {…}, \"value\": …}")
        }
        var results: [SearchHistory.Result] = []
        for (place, entry) in entries.enumerated() {
            do throws(OptimizeError) {
                results.append(try result(entry, in: space))
            } catch {
                throw OptimizeError("trials[\(place)]: \(error.description)")
            }
        }
        // All or nothing: half a list loaded would be hard to mend.
        for result in results { search?.load(result) }
    }

    private func result(_ entry: JSONValue, in space: SearchSpace) throws(OptimizeError) -> SearchHistory.Result {
        let value = try value(entry)
        do throws(ConfigurationError) {
            return SearchHistory.Result(try space.configuration(reading: entry["params"] ?? .null), value: value)
        } catch {
            throw OptimizeError(error.description)
        }
    }

    /// A trial's value; nil for one that failed, which NaN and infinities are.
    private func value(_ request: JSONValue) throws(OptimizeError) -> Double? {
        if let failed = request["failed"] {
            guard let isFailed = failed.boolValue else { throw OptimizeError("\"failed\" must be true or false") }
            if isFailed {
                if request["value"] != nil { throw OptimizeError("a failed trial has no \"value\"") }
                return nil
            }
        }
        guard let value = request["value"]?.doubleValue else {
            throw OptimizeError("needs a \"value\" that is a number, or \"failed\": true")
        }
        return value.isFinite ? value : nil
    }

    private func integer(
        _ request: JSONValue, _ name: String, in range: ClosedRange<Int>
    ) throws(OptimizeError) -> Int? {
        guard let written = request[name] else { return nil }
        guard let value = written.integerValue.flatMap({ Int(exactly: $0) }), range.contains(value) else {
            throw OptimizeError(
                "\"\(name)\" must be a whole number from \(range.lowerBound)"
                    + (range.upperBound == .max ? "" : " to \(range.upperBound)"))
        }
        return value
    }
}

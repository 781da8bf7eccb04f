// SPDX-License-Identifier: MIT

extension SweepDefinition {
    /// The definition as JSON, which is also a sweep file: complete, with the name and the seed, on one line. Reading
    /// it gives an equal definition.
    package var canonicalText: String {
        var members: [JSONValue.Member] = [JSONValue.Member("name", .string(name))]
        func add(_ name: String, _ value: JSONValue?) {
            if let value { members.append(JSONValue.Member(name, value)) }
        }
        add("description", description.map { .string($0) })
        add("method", .string(method.rawValue))
        add("metric", metricJSON)
        add("trials", trials.map { .integer(Int64($0)) })
        // JSON's integers end at 2^63 here; larger seeds are text, which the reader accepts.
        add("seed", Int64(exactly: seed).map { .integer($0) } ?? .string(String(seed)))
        add("parameters", space.json)
        if !baselines.isEmpty { add("baseline", baselineJSON) }
        if !command.isEmpty { add("command", .array(command.map { .string($0) })) }
        add("program", program.map { .string($0) })
        add("workers", workers.map { .integer(Int64($0)) })
        add("retries", .integer(Int64(retries)))
        add("repeats", .integer(Int64(repeats)))
        add("order", .string(gridOrder.rawValue))
        add("deterministic", deterministicPending.map { .integer(Int64($0)) })
        if limits != Limits() { add("limits", limits.json) }
        add("grace", .string(Quantity.text(of: grace)))
        add("early_terminate", earlyTermination?.json)
        add("checkpoints", checkpoints?.json)
        add("task", placement.task.map { .string($0) })
        if !placement.requires.isEmpty { add("requires", .array(placement.requires.map { .string($0) })) }
        if placement.priority != 0 { add("priority", .integer(Int64(placement.priority))) }
        return JSONValue.object(members).text.escapedForYAML
    }

    /// Constants are left out of a baseline, for the reader fills them in: many baselines of many constants would make
    /// the text longer than the file by their product.
    private var baselineJSON: JSONValue {
        var constants: Set<String> = []
        for parameter in space.parameters {
            if case .constant = parameter.distribution { constants.insert(parameter.name) }
        }
        return .array(
            baselines.map { baseline in
                Configuration(baseline.entries.filter { !constants.contains($0.name) }).json
            })
    }

    private var metricJSON: JSONValue {
        var members = [
            JSONValue.Member("name", .string(objective.metric)),
            JSONValue.Member("goal", .string(objective.goal.rawValue)),
            JSONValue.Member("summary", .string(objective.summary.rawValue)),
        ]
        if let target = objective.target { members.append(JSONValue.Member("target", .number(target))) }
        if let pattern = metricPattern {
            members.append(JSONValue.Member("pattern", .string(pattern.expression)))
        }
        return .object(members)
    }
}

extension SweepDefinition.Limits {
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = []
        if let trial { members.append(JSONValue.Member("trial", .string(Quantity.text(of: trial)))) }
        if let sweep { members.append(JSONValue.Member("sweep", .string(Quantity.text(of: sweep)))) }
        if let memory { members.append(JSONValue.Member("memory", .integer(memory))) }
        if let steps { members.append(JSONValue.Member("steps", .integer(steps))) }
        if let noImprovement { members.append(JSONValue.Member("no_improvement", .integer(Int64(noImprovement)))) }
        return .object(members)
    }
}

extension SearchSpace {
    fileprivate var json: JSONValue {
        let names = Set(parameters.map(\.name))
        return Self.block(parameters, depth: 0, names)
    }

    private static func block(_ parameters: [Parameter], depth: Int, _ names: Set<String>) -> JSONValue {
        var groups: [(key: String, parameters: [Parameter])] = []
        var places: [String: Int] = [:]
        for parameter in parameters {
            let key = parameter.path[depth]
            if let place = places[key] {
                groups[place].parameters.append(parameter)
            } else {
                places[key] = groups.count
                groups.append((key, [parameter]))
            }
        }
        return .object(
            groups.map { group in
                if group.parameters.count == 1, group.parameters[0].path.count == depth + 1 {
                    return JSONValue.Member(group.key, group.parameters[0].json(names))
                }
                let nested = block(group.parameters, depth: depth + 1, names)
                return JSONValue.Member(group.key, .object([JSONValue.Member("parameters", nested)]))
            })
    }
}

extension Parameter {
    fileprivate func json(_ names: Set<String>) -> JSONValue {
        var members = distribution.members
        if !conditions.isEmpty {
            let block = Array(path.dropLast())
            let entries = conditions.map { condition in
                JSONValue.Member(Self.reference(to: condition.parent, in: block, names), .array(condition.values))
            }
            members.append(JSONValue.Member("when", .object(entries)))
        }
        return .object(members)
    }

    /// The full name or, where a nearer parameter hides it, the shorter one that means it.
    private static func reference(to name: String, in block: [String], _ names: Set<String>) -> String {
        for depth in 0...block.count {
            let prefix = block.prefix(depth).map { $0 + "." }.joined()
            guard name.hasPrefix(prefix) else { continue }
            let written = String(name.dropFirst(prefix.count))
            if SweepFileReader.resolve(written, in: block, isName: names.contains) == name { return written }
        }
        return name
    }
}

extension Distribution {
    fileprivate var members: [JSONValue.Member] {
        switch self {
        case .constant(let value): return [JSONValue.Member("value", value)]
        case .categorical(let values, let probabilities, let ordinal):
            var members = [JSONValue.Member("values", .array(values))]
            if !probabilities.isEmpty {
                members.append(JSONValue.Member("probabilities", .array(probabilities.map { .number($0) })))
            }
            if ordinal { members.append(JSONValue.Member("ordinal", .bool(true))) }
            return members
        case .integer(let low, let high, let step, let log):
            var members = [
                JSONValue.Member("distribution", .string("int_uniform")), JSONValue.Member("min", .integer(low)),
                JSONValue.Member("max", .integer(high)),
            ]
            if step != 1 { members.append(JSONValue.Member("step", .integer(step))) }
            if log { members.append(JSONValue.Member("log", .bool(true))) }
            return members
        case .real(let law, let quantum): return Self.members(law, quantum)
        }
    }

    private static func members(_ law: Law, _ quantum: Quantum?) -> [JSONValue.Member] {
        let (form, keys) = law.form
        var members = keys.map { JSONValue.Member($0.key, .number($0.value)) }
        var distribution = form
        switch quantum {
        case .wandb(let q, let integers)?:
            distribution = "q_" + form
            let whole = integers ? Int64(exactly: q) : nil
            members.append(JSONValue.Member("q", whole.map { .integer($0) } ?? .number(q)))
        case .step(let step)?: members.append(JSONValue.Member("step", .number(step)))
        case nil: break
        }
        return [JSONValue.Member("distribution", .string(distribution))] + members
    }
}

extension Distribution.Law {
    fileprivate var form: (name: String, keys: [(key: String, value: Double)]) {
        switch self {
        case .uniform(let low, let high): ("uniform", [("min", low), ("max", high)])
        case .logUniform(let low, let high): ("log_uniform_values", [("min", low), ("max", high)])
        case .inverseLogUniform(let low, let high): ("inv_log_uniform_values", [("min", low), ("max", high)])
        case .normal(let mean, let deviation): ("normal", [("mu", mean), ("sigma", deviation)])
        case .logNormal(let mean, let deviation): ("log_normal", [("mu", mean), ("sigma", deviation)])
        case .beta(let a, let b): ("beta", [("a", a), ("b", b)])
        }
    }
}

extension String {
    /// JSON with the characters escaped that JSON allows in a string as they are and YAML does not, or takes for the end
    /// of a line.
    fileprivate var escapedForYAML: String {
        func isUnwelcome(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.value {
            case 0x7F...0x9F, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF: true
            default: false
            }
        }
        guard unicodeScalars.contains(where: isUnwelcome) else { return self }
        var escaped = ""
        for scalar in unicodeScalars {
            if isUnwelcome(scalar) {
                let digits = String(scalar.value, radix: 16)
                escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            } else {
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

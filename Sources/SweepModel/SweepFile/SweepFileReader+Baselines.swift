// SPDX-License-Identifier: MIT

extension SweepFileReader {
    /// Configurations to run first, each complete and within the space.
    mutating func baselines(_ node: YAMLNode, in space: SearchSpace) -> [Configuration] {
        if node.isNull { return [] }
        guard node.scalar == nil else {
            error(node, "must be a configuration or a list of them, such as [{lr: 0.01}], found \(node.found)")
            return []
        }
        var configurations: [Configuration] = []
        var seen: Set<Configuration> = []
        let names = Set(space.parameters.map(\.name))
        for element in node.elements ?? [node] {
            guard let configuration = baseline(element, in: space, names) else { continue }
            if seen.insert(configuration).inserted {
                configurations.append(configuration)
            } else {
                warn(element, "is the same as an earlier baseline; it is run once")
            }
        }
        return configurations
    }

    private mutating func baseline(
        _ node: YAMLNode, in space: SearchSpace, _ names: Set<String>
    ) -> Configuration? {
        guard let entries = node.entries else {
            error(node, "must be a mapping of parameters to values, found \(node.found)")
            return nil
        }
        var given: [String: YAMLNode] = [:]
        var isValid = true
        collect(entries, prefix: "", names, space, &given, &isValid)
        var kept: [Configuration.Entry] = []
        var values: [String: JSONValue] = [:]
        for parameter in space.parameters {
            let isActive = parameter.conditions.allSatisfy { condition in
                values[condition.parent].map { condition.values.contains($0) } ?? false
            }
            let written = given[parameter.name]
            if !isActive {
                // When its parent is in error, whether it is active is not known.
                if let written, isValid {
                    error(written, "is not active here: \(Self.text(of: parameter.conditions))")
                    isValid = false
                }
                continue
            }
            guard let value = value(of: parameter, written, node) else {
                isValid = false
                continue
            }
            values[parameter.name] = value
            kept.append(Configuration.Entry(parameter.name, value))
        }
        return isValid ? Configuration(kept) : nil
    }

    /// Nested blocks may be written nested or with dots.
    private mutating func collect(
        _ entries: [YAMLEntry], prefix: String, _ names: Set<String>, _ space: SearchSpace,
        _ given: inout [String: YAMLNode], _ isValid: inout Bool
    ) {
        for entry in entries {
            let name = prefix + entry.key
            if names.contains(name) {
                if given.updateValue(entry.value, forKey: name) != nil {
                    error(entry.value, "'\(name)' is given twice")
                    isValid = false
                }
            } else if let nested = entry.value.entries,
                space.parameters.contains(where: { $0.name.hasPrefix(name + ".") })
            {
                collect(nested, prefix: name + ".", names, space, &given, &isValid)
            } else {
                error(
                    entry.position, entry.value.path, "names no parameter",
                    suggestion: Self.didYouMean(name, space.parameters.map(\.name)))
                isValid = false
            }
        }
    }

    private mutating func value(
        of parameter: Parameter, _ written: YAMLNode?, _ baseline: YAMLNode
    ) -> JSONValue? {
        guard let written else {
            if case .constant(let value) = parameter.distribution { return value }
            error(baseline.position, .key(parameter.name, of: baseline.path), "is missing")
            return nil
        }
        switch parameter.distribution {
        case .constant(let only): return oneOf([only], written)
        case .categorical(let values, _, _): return oneOf(values, written)
        case .integer(let low, let high, let step, _):
            guard let value = integer(written, in: low...high) else { return nil }
            if (value - low) % step == 0 { return .integer(value) }
            error(written, "must be \(low) plus a multiple of the step \(step), found \(value)")
        case .real(let law, let quantum):
            guard let value = number(written) else { return nil }
            if let range = Self.range(of: law, quantum), !range.contains(value) {
                error(written, "must be \(range.lowerBound) to \(range.upperBound), found \(written.found)")
                return nil
            }
            if case .logNormal = law, quantum == nil, value <= 0 {
                error(written, "must be greater than 0, found \(written.found)")
                return nil
            }
            if case .wandb(_, integers: true)? = quantum {
                guard let whole = Int64(exactly: value) else {
                    error(written, "must be a whole number, found \(written.found)")
                    return nil
                }
                return .integer(whole)
            }
            return .number(value)
        }
        return nil
    }

    private mutating func oneOf(_ values: [JSONValue], _ node: YAMLNode) -> JSONValue? {
        let value = node.json
        let identity = value.asWholeNumber
        if let own = values.first(where: { $0.asWholeNumber == identity }) { return own }
        error(
            node, "must be \(Self.list(values)), found \(node.found)", suggestion: Self.nearest(value, values))
        return nil
    }

    /// Nil: unbounded.
    private static func range(of law: Distribution.Law, _ quantum: Distribution.Quantum?) -> ClosedRange<Double>? {
        // W&B's rounding may leave the bounds by half a quantum.
        var slack = 0.0
        if case .wandb(let q, _)? = quantum { slack = q / 2 }
        switch law {
        case .uniform(let low, let high), .logUniform(let low, let high), .inverseLogUniform(let low, let high):
            return low - slack...high + slack
        case .beta: return -slack...1 + slack
        case .normal, .logNormal: return nil
        }
    }

    private static func text(of conditions: [Parameter.Condition]) -> String {
        let all = conditions.map { "\($0.parent) is \(list($0.values))" }
        return "it applies when \(alternatives(all, joined: "and"))"
    }
}

// SPDX-License-Identifier: MIT

import RealModule

extension SweepFileReader {
    /// A parameter's mapping as a distribution.
    mutating func distribution(_ node: YAMLNode) -> Distribution? {
        for entry in node.entries ?? [] where !ParameterForm.allKeys.contains(entry.key) {
            warn(
                entry.position, .key(entry.key, of: node.path), "unknown key, ignored",
                suggestion: Self.didYouMean(entry.key, ParameterForm.allKeys))
        }
        guard let form = form(of: node), checkKeys(of: node, form) else { return nil }
        switch form {
        case .constant:
            guard let value = node["value"] else { return nil }
            return finiteValue(value).map { .constant($0) }
        case .categorical, .categoricalWithProbabilities: return categorical(node)
        case .integerUniform: return integers(node)
        case .uniform:
            let isLog = node["log"].flatMap { bool($0) } ?? false
            if isLog { return logarithmic(node, form) }
            return bounds(node).flatMap { real(.uniform(low: $0.low, high: $0.high), node, form) }
        case .quantizedUniform:
            return bounds(node).flatMap { real(.uniform(low: $0.low, high: $0.high), node, form) }
        case .logUniform, .quantizedLogUniform, .inverseLogUniform: return exponential(node, form)
        case .logUniformValues, .quantizedLogUniformValues, .inverseLogUniformValues: return logarithmic(node, form)
        case .normal, .quantizedNormal, .logNormal, .quantizedLogNormal: return normal(node, form)
        case .beta, .quantizedBeta: return beta(node, form)
        }
    }

    /// The form that is written or, as in W&B, implied by the keys and by whether the bounds are integers.
    private mutating func form(of node: YAMLNode) -> ParameterForm? {
        if let written = node["distribution"] { return word(written, of: ParameterForm.self) }
        if node["value"] != nil { return .constant }
        if node["values"] != nil { return node["probabilities"] == nil ? .categorical : .categoricalWithProbabilities }
        if node["min"] != nil || node["max"] != nil { return impliedRange(node) }
        for (keys, forms) in [
            (["mu", "sigma"], "normal, log_normal, q_normal or q_log_normal"), (["a", "b"], "beta or q_beta"),
        ] where keys.contains(where: { node[$0] != nil }) {
            error(node.position, .key("distribution", of: node.path), "is missing", suggestion: "write \(forms)")
            return nil
        }
        let slips = node.entries?.filter { !ParameterForm.allKeys.contains($0.key) } ?? []
        for slip in slips {
            if let near = nearestWord(to: slip.key, in: ["value", "values", "min", "max", "parameters"]) {
                error(
                    slip.position, slip.value.path, "the parameter has no value, values, min and max, or parameters",
                    suggestion: "did you mean '\(near)'?")
                return nil
            }
        }
        error(node, "needs value, values, min and max, a distribution, or nested parameters")
        return nil
    }

    private mutating func impliedRange(_ node: YAMLNode) -> ParameterForm {
        guard case .integer(let low)? = node["min"]?.scalar?.value,
            case .integer(let high)? = node["max"]?.scalar?.value
        else {
            // One bound missing: an integer says more than nothing, and the missing one is reported either way.
            let bounds = [node["min"], node["max"]].compactMap(\.?.scalar?.value)
            if bounds.count == 1, case .integer = bounds[0] { return .integerUniform }
            return .uniform
        }
        if low == 0, high == 1, node["step"] == nil {
            warn(
                node, "min: 0 and max: 1 are integers, so the value is 0 or 1 and nothing between, as in W&B",
                suggestion: "write min: 0.0 and max: 1.0 for a float, or distribution: int_uniform to keep it")
        }
        return .integerUniform
    }

    private mutating func checkKeys(of node: YAMLNode, _ form: ParameterForm) -> Bool {
        var isComplete = true
        for key in form.requiredKeys where required(key, of: node, known: ParameterForm.allKeys) == nil {
            isComplete = false
        }
        let taken = ParameterForm.commonKeys + form.requiredKeys + form.optionalKeys
        for entry in node.entries ?? []
        where ParameterForm.allKeys.contains(entry.key) && !taken.contains(entry.key) {
            let keys = form.requiredKeys + form.optionalKeys
            error(
                entry.position, .key(entry.key, of: node.path),
                "does not apply to the distribution \(form.rawValue), which takes \(Self.alternatives(keys, joined: "and"))"
            )
            isComplete = false
        }
        return isComplete
    }

    private mutating func finiteValue(_ node: YAMLNode) -> JSONValue? {
        refuseNonFinite(node) ? node.json : nil
    }

    /// The journal writes non-finite numbers as text, so they would not come back as they were. False: reported one.
    @discardableResult
    private mutating func refuseNonFinite(_ node: YAMLNode) -> Bool {
        var isFinite = true
        switch node.content {
        case .scalar(let scalar):
            if case .number(let value) = scalar.value, !value.isFinite {
                error(node, "must be finite, found \(node.found)", suggestion: "put it in quotes to pass the text")
                isFinite = false
            }
        case .sequence(let nodes):
            for element in nodes where !refuseNonFinite(element) { isFinite = false }
        case .mapping(let entries):
            for entry in entries where !refuseNonFinite(entry.value) { isFinite = false }
        }
        return isFinite
    }

    // MARK: - Ranges

    private mutating func integers(_ node: YAMLNode) -> Distribution? {
        guard let minNode = node["min"], let maxNode = node["max"] else { return nil }
        let low = integer(minNode)
        let high = integer(maxNode)
        let step = node["step"].map { integer($0, in: 1 ... .max) } ?? 1
        let isLog = node["log"].map { bool($0) } ?? false
        guard let low, let high, let step, let isLog else { return nil }
        guard low < high else {
            error(minNode, "must be less than max (\(low) is not less than \(high))")
            return nil
        }
        let (width, overflows) = high.subtractingReportingOverflow(low)
        guard !overflows else {
            error(minNode, "the range from min to max is wider than 64 bits")
            return nil
        }
        if step > width, let stepNode = node["step"] {
            error(stepNode, "must be at most max - min (\(step) is more than \(width))")
            return nil
        }
        if isLog, low < 1 {
            error(minNode, "must be at least 1 with log: true, found \(low)")
            return nil
        }
        return .integer(low: low, high: high, step: step, log: isLog)
    }

    private mutating func bounds(_ node: YAMLNode) -> (low: Double, high: Double)? {
        guard let minNode = node["min"], let maxNode = node["max"] else { return nil }
        let low = number(minNode)
        let high = number(maxNode)
        guard let low, let high else { return nil }
        guard low < high else {
            error(minNode, "must be less than max (\(low) is not less than \(high))")
            return nil
        }
        guard (high - low).isFinite else {
            error(minNode, "the range from min to max is wider than a float can hold")
            return nil
        }
        return (low, high)
    }

    private mutating func logarithmic(_ node: YAMLNode, _ form: ParameterForm) -> Distribution? {
        guard let (low, high) = bounds(node), let minNode = node["min"] else { return nil }
        guard low > 0 else {
            error(minNode, "must be greater than 0 on a logarithmic scale, found \(low)")
            return nil
        }
        if form == .inverseLogUniformValues {
            return real(.inverseLogUniform(low: low, high: high), node, form)
        }
        return real(.logUniform(low: low, high: high), node, form)
    }

    /// W&B's deprecated forms, whose bounds are natural logarithms of the values (of their inverses).
    private mutating func exponential(_ node: YAMLNode, _ form: ParameterForm) -> Distribution? {
        guard let (least, greatest) = bounds(node) else { return nil }
        let isInverse = form == .inverseLogUniform
        let low = Double.exp(isInverse ? -greatest : least)
        let high = Double.exp(isInverse ? -least : greatest)
        guard low > 0, high.isFinite, low < high else {
            error(
                node, "min and max are exponents of e here, and these are out of range",
                suggestion: Self.useValues(form))
            return nil
        }
        warn(
            node["distribution"] ?? node,
            "min and max of \(form.rawValue) are exponents of e, so the values are \(low) to \(high); W&B deprecates it",
            suggestion: Self.useValues(form))
        let law: Distribution.Law =
            isInverse ? .inverseLogUniform(low: low, high: high) : .logUniform(low: low, high: high)
        return real(law, node, form)
    }

    private static func useValues(_ form: ParameterForm) -> String {
        "\(form.rawValue)_values takes the values themselves"
    }

    private mutating func real(
        _ law: Distribution.Law, _ node: YAMLNode, _ form: ParameterForm
    ) -> Distribution? {
        if form.isQuantized {
            guard let quantum = node["q"] else { return .real(law: law, quantum: .wandb(q: 1, integers: false)) }
            guard let q = number(quantum) else { return nil }
            guard q > 0 else {
                error(quantum, "must be greater than 0, found \(quantum.found)")
                return nil
            }
            var isInteger = false
            if case .integer? = quantum.scalar?.value { isInteger = true }
            return .real(law: law, quantum: .wandb(q: q, integers: isInteger))
        }
        guard let stepNode = node["step"] else { return .real(law: law, quantum: nil) }
        guard let step = number(stepNode), let (low, high) = bounds(node) else { return nil }
        guard step > 0, step <= high - low else {
            error(stepNode, "must be greater than 0 and at most max - min (\(high - low)), found \(stepNode.found)")
            return nil
        }
        // Beyond this, neighbouring steps are no longer different floats everywhere.
        guard (high - low) / step <= 0x1p52 else {
            error(stepNode, "is too small for the range; leave it out")
            return nil
        }
        return .real(law: law, quantum: .step(step))
    }

    // MARK: - Families

    private mutating func normal(_ node: YAMLNode, _ form: ParameterForm) -> Distribution? {
        let mean = node["mu"].map { number($0) } ?? 0
        let deviation = node["sigma"].map { number($0) } ?? 1
        guard let mean, let deviation else { return nil }
        if deviation < 0, let sigma = node["sigma"] {
            error(sigma, "must not be negative, found \(sigma.found)")
            return nil
        }
        if form == .logNormal || form == .quantizedLogNormal {
            return real(.logNormal(mean: mean, deviation: deviation), node, form)
        }
        return real(.normal(mean: mean, deviation: deviation), node, form)
    }

    private mutating func beta(_ node: YAMLNode, _ form: ParameterForm) -> Distribution? {
        var shape: [Double] = []
        for key in ["a", "b"] {
            guard let keyNode = node[key] else {
                shape.append(1)
                continue
            }
            guard let value = number(keyNode) else { continue }
            if value > 0 {
                shape.append(value)
            } else {
                error(keyNode, "must be greater than 0, found \(keyNode.found)")
            }
        }
        return shape.count == 2 ? real(.beta(a: shape[0], b: shape[1]), node, form) : nil
    }

    // MARK: - Values

    private mutating func categorical(_ node: YAMLNode) -> Distribution? {
        guard let valuesNode = node["values"] else { return nil }
        guard let elements = valuesNode.elements, !elements.isEmpty else {
            let found = valuesNode.elements == nil ? valuesNode.found : "an empty list"
            error(valuesNode, "must be a list of at least one value, found \(found)")
            return nil
        }
        let ordinal = node["ordinal"].map { bool($0) } ?? false
        let weights = node["probabilities"].map { probabilities($0, count: elements.count) } ?? []
        guard let ordinal, let weights, let finite = finiteValue(valuesNode)?.arrayValue else { return nil }
        var values: [JSONValue] = []
        var merged: [Double] = []
        var places: [JSONValue: Int] = [:]
        for (index, value) in finite.enumerated() {
            // 3e6 and 3000000 are one value, as in W&B's grid.
            let identity = value.asWholeNumber
            if let place = places[identity] {
                warn(elements[index], "\(value.text.shortened) is given twice; it counts once")
                if !weights.isEmpty { merged[place] += weights[index] }
                continue
            }
            places[identity] = values.count
            values.append(value)
            if !weights.isEmpty { merged.append(weights[index]) }
        }
        return .categorical(values: values, probabilities: merged, ordinal: ordinal)
    }

    private mutating func probabilities(_ node: YAMLNode, count: Int) -> [Double]? {
        guard let elements = node.elements else {
            error(node, "must be a list of numbers, found \(node.found)")
            return nil
        }
        guard elements.count == count else {
            error(node, "must have one number for each of the \(count) values, found \(elements.count)")
            return nil
        }
        var weights: [Double] = []
        for element in elements {
            guard let weight = number(element) else { continue }
            if weight >= 0 {
                weights.append(weight)
            } else {
                error(element, "must not be negative, found \(element.found)")
            }
        }
        guard weights.count == count else { return nil }
        let sum = weights.reduce(0, +)
        guard abs(sum - 1) <= 1e-3 else {
            error(node, "must sum to 1, and these sum to \(sum)")
            return nil
        }
        // Thirds written as 0.333 are meant to be thirds.
        return abs(sum - 1) <= 1e-12 ? weights : weights.map { $0 / sum }
    }
}

extension JSONValue {
    /// A whole float as the integer it equals, so that 3e6 and 3000000 compare as one value.
    var asWholeNumber: JSONValue {
        if case .number(let value) = self, let whole = Int64(exactly: value) { return .integer(whole) }
        return self
    }
}

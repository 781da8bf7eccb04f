// SPDX-License-Identifier: MIT

extension SweepFileReader {
    private static let earlyTerminationTypes = [
        "hyperband", "asha", "median", "percentile", "patience", "threshold", "async_hyperband", "wilcoxon", "curve",
        "auto",
    ]

    /// Keys that every type takes, and those of one type.
    private static let commonTerminationKeys = [
        "type", "min_step", "max_step", "max_iter", "lower", "upper", "veto", "dry_run", "control",
    ]
    private static let terminationKeys: [String: [String]] = [
        "hyperband": ["min_iter", "s", "eta", "strict"],
        "asha": ["eta", "variant"],
        "async_hyperband": ["eta"],
        "median": ["min_peers", "interval"],
        "percentile": ["percentile", "min_peers", "interval"],
        "patience": ["patience", "min_delta"],
        "wilcoxon": ["p"],
        "curve": ["probability"],
    ]

    /// Types that judge from the first report on, and what they have instead.
    private static let withoutMinimumStep = [
        "hyperband": "min_iter is its first band, in logged values",
        "patience": "patience is how many reports it waits for",
        "threshold": "it looks at every value",
    ]

    mutating func earlyTermination(_ node: YAMLNode) -> EarlyTermination? {
        if node.isNull { return nil }
        guard node.entries != nil else {
            error(node, "must be a mapping such as {type: asha, max_step: 50}, found \(node.found)")
            return nil
        }
        guard let typeNode = required("type", of: node, known: ["type"]) else { return nil }
        let type = typeNode.scalar?.text ?? ""
        if type == "envelope" {
            warn(typeNode, "'envelope' was removed from W&B and has no effect here")
            return nil
        }
        guard Self.earlyTerminationTypes.contains(type) else {
            unknownWord(typeNode, type, among: Self.earlyTerminationTypes)
            return nil
        }
        guard mapping(node, keys: Self.commonTerminationKeys + (Self.terminationKeys[type] ?? [])) != nil else {
            return nil
        }
        let minimum = node["min_step"].flatMap { integer($0, in: 1 ... .max) }
        let maximum = maximumStep(node)
        if let place = node["min_step"], let other = Self.withoutMinimumStep[type] {
            warn(place, "has no effect with type: \(type)", suggestion: other)
        } else if let minimum, let maximum, minimum >= maximum, let place = node["min_step"] {
            warn(place, "is not below max_step (\(maximum)), so no trial is ever judged")
        }
        guard let rule = rule(type, node, minimum: minimum, maximum: maximum) else { return nil }
        let bounds = self.bounds(node)
        if type == "threshold", bounds.lower == nil, bounds.upper == nil {
            warn(node, "has neither lower nor upper, so only NaN stops a trial")
        }
        return EarlyTermination(
            rule: rule, lower: bounds.lower, upper: bounds.upper, veto: veto(node, minimum: minimum, maximum: maximum),
            isDryRun: node["dry_run"].flatMap { bool($0) } ?? false, controlShare: controlShare(node),
            maximumStep: maximum)
    }

    private mutating func maximumStep(_ node: YAMLNode) -> Int64? {
        let steps = node["max_step"].flatMap { integer($0, in: 1 ... .max) }
        return steps ?? node["max_iter"].flatMap { integer($0, in: 1 ... .max) }
    }

    private mutating func rule(
        _ type: String, _ node: YAMLNode, minimum: Int64?, maximum: Int64?
    ) -> EarlyTermination.Rule? {
        switch type {
        case "asha":
            let variant = node["variant"].flatMap { word($0, of: EarlyTermination.Variant.self) } ?? .stopping
            return .asha(rungs(node, minimum, maximum), variant)
        case "async_hyperband": return .asyncHyperband(rungs(node, minimum, maximum))
        case "hyperband": return .hyperband(bands(node))
        case "median", "percentile":
            let share = node["percentile"].flatMap { number($0) } ?? 50
            if !(0...100).contains(share), let place = node["percentile"] {
                error(place, "must be 0 to 100, found \(place.found)")
            }
            return .percentile(
                EarlyTermination.Percentile(
                    percentile: share,
                    minimumPeers: Int(node["min_peers"].flatMap { integer($0, in: 1...1_000_000) } ?? 5),
                    minimumStep: minimum ?? 1, interval: node["interval"].flatMap { integer($0, in: 1 ... .max) } ?? 1))
        case "patience":
            let reports = node["patience"].flatMap { integer($0, in: 1...1_000_000_000) } ?? 10
            return .patience(
                EarlyTermination.Patience(
                    reports: Int(reports), minimumDelta: node["min_delta"].flatMap { nonNegative($0) } ?? 0))
        case "threshold": return .threshold
        case "wilcoxon":
            return .wilcoxon(
                EarlyTermination.Wilcoxon(
                    significance: node["p"].flatMap { probability($0) } ?? 0.1, minimumStep: minimum ?? 2))
        case "curve":
            guard let maximum else {
                error(
                    node.position, .key("max_step", of: node.path),
                    "is missing: the rule looks ahead to the step at which a trial ends")
                return nil
            }
            return .curve(
                forecast(node["probability"].flatMap { probability($0) }, minimum: minimum, maximum: maximum))
        default: return .auto(minimumStep: minimum)
        }
    }

    private mutating func rungs(_ node: YAMLNode, _ minimum: Int64?, _ maximum: Int64?) -> EarlyTermination.Rungs {
        EarlyTermination.Rungs(
            minimumStep: minimum ?? maximum.map { max(1, $0 / 27) } ?? 1, maximumStep: maximum, eta: eta(node))
    }

    private mutating func eta(_ node: YAMLNode) -> Double {
        guard let place = node["eta"], let value = number(place) else { return 3 }
        guard value > 1, value <= 1_000_000 else {
            error(place, "must be greater than 1 and at most 1000000, found \(place.found)")
            return 3
        }
        return value
    }

    private mutating func bands(_ node: YAMLNode) -> EarlyTermination.Bands {
        let least = node["min_iter"].flatMap { integer($0, in: 1 ... .max) }
        let most = node["max_iter"].flatMap { integer($0, in: 1 ... .max) }
        let count = node["s"].flatMap { integer($0, in: 1...100) }
        let isStrict = node["strict"].flatMap { bool($0) } ?? true
        let form: EarlyTermination.Bands.Form
        if let most, let count {
            if let place = node["min_iter"] {
                warn(place, "has no effect beside max_iter and s, from which the bands are made, as in W&B")
            }
            form = .downFrom(most, count: Int(count))
        } else if let least {
            if let place = node["max_iter"] {
                warn(place, "has no effect on the bands without s; they are made from min_iter")
            }
            form = .from(least)
        } else {
            warn(node, "needs min_iter, or max_iter and s; min_iter: 3 is used")
            form = .from(3)
        }
        return EarlyTermination.Bands(form: form, eta: eta(node), isStrict: isStrict)
    }

    private mutating func bounds(_ node: YAMLNode) -> (lower: Double?, upper: Double?) {
        let lower = node["lower"].flatMap { number($0) }
        let upper = node["upper"].flatMap { number($0) }
        if let lower, let upper, lower > upper, let place = node["lower"] {
            error(place, "is above upper (\(upper)), so every value would stop a trial")
        }
        return (lower, upper)
    }

    /// `true`, or the probability below which going on is vetoed.
    private mutating func veto(
        _ node: YAMLNode, minimum: Int64?, maximum: Int64?
    ) -> EarlyTermination.CurveForecast? {
        guard let place = node["veto"], !place.isNull else { return nil }
        var probability: Double?
        if let isWanted = place.scalar?.value.boolValue {
            guard isWanted else { return nil }
        } else {
            probability = self.probability(place)
        }
        guard let maximum else {
            error(place, "needs max_step: it looks ahead to the step at which a trial ends")
            return nil
        }
        return forecast(probability, minimum: nil, maximum: maximum)
    }

    private func forecast(
        _ probability: Double?, minimum: Int64?, maximum: Int64
    ) -> EarlyTermination.CurveForecast {
        EarlyTermination.CurveForecast(
            probability: probability ?? 0.05, minimumStep: minimum ?? max(1, maximum / 5), maximumStep: maximum)
    }

    private mutating func controlShare(_ node: YAMLNode) -> Double {
        guard let place = node["control"], let value = number(place) else { return 0 }
        guard value >= 0, value < 1 else {
            error(
                place, "must be at least 0 and below 1, found \(place.found)", suggestion: "use dry_run to stop nothing"
            )
            return 0
        }
        return value
    }

    private mutating func probability(_ node: YAMLNode) -> Double? {
        guard let value = number(node) else { return nil }
        guard value > 0, value < 1 else {
            error(node, "must be between 0 and 1, found \(node.found)")
            return nil
        }
        return value
    }

    private mutating func nonNegative(_ node: YAMLNode) -> Double? {
        guard let value = number(node) else { return nil }
        if value < 0 { error(node, "must not be negative, found \(node.found)") }
        return value
    }
}

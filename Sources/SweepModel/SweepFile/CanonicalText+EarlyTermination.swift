// SPDX-License-Identifier: MIT

extension EarlyTermination {
    /// As the sweep file writes it, every default filled in.
    package var json: JSONValue {
        var members = rule.members
        func add(_ name: String, _ value: JSONValue?) {
            if let value, !members.contains(where: { $0.name == name }) { members.append(.init(name, value)) }
        }
        add("max_step", maximumStep.map { .integer($0) })
        add("lower", lower.map { .number($0) })
        add("upper", upper.map { .number($0) })
        add("veto", veto.map { .number($0.probability) })
        add("dry_run", isDryRun ? .bool(true) : nil)
        add("control", controlShare > 0 ? .number(controlShare) : nil)
        return .object(members)
    }
}

extension EarlyTermination.Rule {
    /// The word of the sweep file.
    package var name: String {
        switch self {
        case .auto: "auto"
        case .asha: "asha"
        case .asyncHyperband: "async_hyperband"
        case .hyperband: "hyperband"
        case .percentile(let rule): rule.percentile == 50 ? "median" : "percentile"
        case .patience: "patience"
        case .threshold: "threshold"
        case .wilcoxon: "wilcoxon"
        case .curve: "curve"
        }
    }

    fileprivate var members: [JSONValue.Member] {
        let type = JSONValue.Member("type", .string(name))
        switch self {
        case .auto(let minimum): return [type] + (minimum.map { [.init("min_step", .integer($0))] } ?? [])
        case .threshold: return [type]
        case .asha(let rungs, let variant):
            return [type] + rungs.members + [.init("variant", .string(variant.rawValue))]
        case .asyncHyperband(let rungs): return [type] + rungs.members
        case .hyperband(let bands):
            let form: [JSONValue.Member] =
                switch bands.form {
                case .from(let least): [.init("min_iter", .integer(least))]
                case .downFrom(let most, let count):
                    [.init("max_iter", .integer(most)), .init("s", .integer(Int64(count)))]
                }
            return [type] + form + [.init("eta", .number(bands.eta)), .init("strict", .bool(bands.isStrict))]
        case .percentile(let rule):
            let share: [JSONValue.Member] =
                rule.percentile == 50 ? [] : [.init("percentile", .number(rule.percentile))]
            return [type] + share + [
                .init("min_peers", .integer(Int64(rule.minimumPeers))), .init("min_step", .integer(rule.minimumStep)),
                .init("interval", .integer(rule.interval)),
            ]
        case .patience(let rule):
            return [
                type, .init("patience", .integer(Int64(rule.reports))), .init("min_delta", .number(rule.minimumDelta)),
            ]
        case .wilcoxon(let rule):
            return [type, .init("p", .number(rule.significance)), .init("min_step", .integer(rule.minimumStep))]
        case .curve(let rule):
            return [
                type, .init("probability", .number(rule.probability)), .init("min_step", .integer(rule.minimumStep)),
                .init("max_step", .integer(rule.maximumStep)),
            ]
        }
    }
}

extension EarlyTermination.Rungs {
    fileprivate var members: [JSONValue.Member] {
        [.init("min_step", .integer(minimumStep)), .init("eta", .number(eta))]
            + (maximumStep.map { [.init("max_step", .integer($0))] } ?? [])
    }
}

extension CheckpointPolicy {
    package var json: JSONValue {
        var members: [JSONValue.Member] = [.init("keep", .string(keep.rawValue))]
        if let total { members.append(.init("total", .integer(total))) }
        if let path { members.append(.init("path", .string(path))) }
        return .object(members)
    }
}

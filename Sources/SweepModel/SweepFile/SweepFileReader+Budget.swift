// SPDX-License-Identifier: MIT

extension SweepFileReader {
    /// Trials beyond this are a slip, not a sweep.
    private static let maximumTrials: Int64 = 1_000_000_000

    mutating func trials(_ root: YAMLNode, _ overrides: SweepFile.Overrides) -> Int? {
        let trials = root["trials"].flatMap { integer($0, in: 1...Self.maximumTrials) }
        let cap = root["run_cap"].flatMap { integer($0, in: 1...Self.maximumTrials) }
        if let trials, let cap, trials != cap, let node = root["run_cap"] {
            error(node, "means the same as trials, and \(cap) is not \(trials)", suggestion: "keep one of the two")
        }
        if let given = overrides.trials {
            if given < 1 || given > Self.maximumTrials {
                commandLineError("trials", "must be 1 to \(Self.maximumTrials), found \(given)")
            }
            return given
        }
        return (trials ?? cap).map(Int.init)
    }

    mutating func seed(_ root: YAMLNode, _ overrides: SweepFile.Overrides) -> UInt64 {
        var written: UInt64?
        if let node = root["seed"], !node.isNull {
            // Quoted too: JSON's integers end at 2^63, so the journal writes larger seeds as text.
            written = node.scalar.flatMap { UInt64($0.text) }
            if case .integer(let value)? = node.scalar?.value { written = UInt64(exactly: value) }
            if written == nil { error(node, "must be a whole number from 0 to \(UInt64.max), found \(node.found)") }
        }
        return overrides.seed ?? written ?? overrides.defaultSeed
    }

    mutating func counts(
        _ root: YAMLNode, _ overrides: SweepFile.Overrides
    ) -> (workers: Int?, retries: Int, repeats: Int) {
        let workers = root["workers"].flatMap { $0.isNull ? nil : integer($0, in: 1...4096) }
        let retries = root["retries"].flatMap { integer($0, in: 0...1000) } ?? 0
        let repeats = root["repeats"].flatMap { integer($0, in: 1...1000) } ?? 1
        if let given = overrides.workers, !(1...4096).contains(given) {
            commandLineError("workers", "must be 1 to 4096, found \(given)")
        }
        return (overrides.workers ?? workers.map(Int.init), Int(retries), Int(repeats))
    }

    /// `true`, or how many of the latest proposals a deterministic search does not wait for.
    mutating func deterministicPending(_ node: YAMLNode) -> Int? {
        if node.isNull { return nil }
        if let isWanted = node.scalar?.value.boolValue { return isWanted ? 4 : nil }
        guard case .integer(let count)? = node.scalar?.value, (1...1024).contains(count) else {
            error(node, "must be true, false, or how many trials may be pending (1 to 1024), found \(node.found)")
            return nil
        }
        return Int(count)
    }

    mutating func limits(_ node: YAMLNode) -> SweepDefinition.Limits {
        var limits = SweepDefinition.Limits()
        guard mapping(node, keys: ["trial", "sweep", "memory", "steps", "no_improvement"]) != nil else { return limits }
        limits.trial = node["trial"].flatMap { duration($0) }
        limits.sweep = node["sweep"].flatMap { duration($0) }
        limits.memory = node["memory"].flatMap { size($0) }
        limits.steps = node["steps"].flatMap { integer($0, in: 1 ... .max) }
        limits.noImprovement = node["no_improvement"].flatMap { integer($0, in: 1...Self.maximumTrials) }.map(Int.init)
        return limits
    }

    mutating func duration(_ node: YAMLNode) -> Duration? {
        let duration: Duration?
        switch node.scalar?.value {
        case .integer(let seconds): duration = Quantity.duration(seconds: Double(seconds))
        case .number(let seconds): duration = Quantity.duration(seconds: seconds)
        case .string(let text): duration = Quantity.duration(text)
        default: duration = nil
        }
        if duration == nil {
            error(node, "must be a positive duration such as 90, 90s, 10m, 2h or 1d, found \(node.found)")
        }
        return duration
    }

    mutating func size(_ node: YAMLNode) -> Int64? {
        let bytes: Int64?
        switch node.scalar?.value {
        case .integer(let amount): bytes = amount > 0 ? amount : nil
        case .number(let amount): bytes = Quantity.bytes(amount)
        case .string(let text): bytes = Quantity.bytes(text)
        default: bytes = nil
        }
        guard let bytes else {
            error(node, "must be a size such as 8GiB, 500MB or 1.5G, found \(node.found)")
            return nil
        }
        guard bytes >= 1 << 20 else {
            error(node, "must be at least 1 MiB, found \(bytes) bytes", suggestion: "add a unit, as in 8GiB")
            return nil
        }
        return bytes
    }

    mutating func checkBudget(
        _ root: YAMLNode, _ method: SweepDefinition.Method, _ space: SearchSpace, trials: Int?, baselines: Int
    ) {
        if trials == nil, method != .grid, !space.parameters.allSatisfy(\.distribution.isFinite) {
            warn(
                root.position, .key("trials", of: .root),
                "is missing, so the sweep runs until it is stopped", suggestion: "add trials: 100, say")
        }
        if let trials, trials < baselines, let node = root["baseline"] {
            warn(node, "has \(baselines) configurations, but only \(trials) trials are run")
        }
    }
}

extension Distribution {
    /// Whether it has finitely many values that a sampler can exhaust.
    var isFinite: Bool {
        switch self {
        case .constant, .categorical, .integer: return true
        case .real(_, nil): return false
        case .real(let law, .some):
            switch law {
            case .uniform, .logUniform, .inverseLogUniform, .beta: return true
            case .normal, .logNormal: return false
            }
        }
    }
}

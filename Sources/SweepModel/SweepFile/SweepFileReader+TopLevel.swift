// SPDX-License-Identifier: MIT

extension SweepFileReader {
    /// Methods that W&B or a later version knows and this one does not.
    static let methodsNotYetAvailable = ["custom"]

    /// W&B's keys that have no effect here, and why the user might want to know; nil: accepted silently.
    private static let keysWithoutEffect: [(key: String, note: String?)] = [
        ("project", nil), ("entity", nil), ("apiVersion", nil), ("kind", nil), ("controller", nil),
        ("job", "W&B Launch jobs are not run by sweepd; give a command or program"),
        ("image_uri", "images are not run by sweepd; give a command or program"),
        ("scheduler", "has no effect here; sweepd is the scheduler"),
    ]

    private static let keys =
        [
            "name", "description", "method", "metric", "metrics", "parameters", "trials", "run_cap", "seed", "baseline",
            "early_terminate", "checkpoints", "command", "program", "workers", "retries", "repeats", "limits", "grace",
            "order", "deterministic", "task", "requires", "priority",
        ] + keysWithoutEffect.map(\.key)

    mutating func definition(from text: String, overrides: SweepFile.Overrides) -> SweepDefinition? {
        guard let root = document(text) else { return nil }
        guard mapping(root, keys: Self.keys) != nil else { return nil }
        for (key, note) in Self.keysWithoutEffect {
            if let note, let node = root[key] { warn(node, note) }
        }
        if let metrics = root["metrics"] {
            error(metrics, "several objectives are not available in this version", suggestion: "use metric")
        }
        let name = self.name(root, overrides)
        let method = required("method", of: root).flatMap { self.method($0) }
        let comparesFolds = root["early_terminate"]?["type"]?.scalar?.text == "wilcoxon"
        let metric = required("metric", of: root).flatMap {
            // Where steps are folds, one lucky fold is no result.
            self.metric($0, overrides, standard: comparesFolds ? .mean : .best)
        }
        let parameters = required("parameters", of: root).flatMap { self.parameters($0) }
        let space = parameters.map { SearchSpace($0.map(\.parameter)) }
        if let parameters, method == .grid { checkGrid(parameters) }
        let trials = self.trials(root, overrides)
        let early = root["early_terminate"].flatMap { earlyTermination($0) }
        let checkpoints = root["checkpoints"].flatMap { self.checkpoints($0) }
        if case .asha(_, .promotion)? = early?.rule, checkpoints == nil, let node = root["early_terminate"]?["variant"]
        {
            warn(
                node,
                "pauses trials that are to go on later, and the file does not say that its script saves checkpoints",
                suggestion: "add checkpoints: {keep: best+last}; a trial without one trains again from its first step")
        }
        let program = root["program"].flatMap { line($0) }
        let command = self.command(root, program: program, space: space)
        let order = root["order"].flatMap { word($0, of: SweepDefinition.GridOrder.self) }
        if let node = root["order"], method != nil, method != .grid { warn(node, "only applies to method: grid") }
        let baselines = space.flatMap { space in root["baseline"].map { self.baselines($0, in: space) } } ?? []
        let limits = root["limits"].map { self.limits($0) } ?? .init()
        let pending = root["deterministic"].flatMap { deterministicPending($0) }
        if let node = root["deterministic"], let method, [.grid, .random, .sobol].contains(method) {
            warn(node, "has no effect here: proposals of method: \(method.rawValue) never depend on timing")
        }
        let counts = self.counts(root, overrides)
        if let node = root["repeats"], counts.repeats > 1, comparesFolds {
            warn(
                node, "makes trials of their own, which wilcoxon does not compare: it looks at the steps within a trial"
            )
        }
        let seed = self.seed(root, overrides)
        let placement = self.placement(root)
        let grace = root["grace"].flatMap { duration($0) }
        let text = root["description"].flatMap { $0.isNull ? nil : description($0) }
        guard !hasErrors, let method, let metric, let space, let name else { return nil }
        checkBudget(root, method, space, trials: trials, baselines: baselines.count)
        let definition = SweepDefinition(
            name: name, description: text, method: method, objective: metric.objective, space: space, trials: trials,
            seed: seed, baselines: baselines, command: command, program: program, workers: counts.workers,
            retries: counts.retries, repeats: counts.repeats, gridOrder: order ?? .coarse,
            deterministicPending: pending,
            limits: limits,
            metricPattern: metric.pattern, grace: grace ?? .seconds(30), earlyTermination: early,
            checkpoints: checkpoints, placement: placement)
        checkReadable(definition, root)
        if overrides.checksBounds { checkBounds(definition, root) }
        return definition
    }

    /// A sweep is resumed from its canonical text, so one whose text is beyond the reader's bounds must not start.
    private mutating func checkReadable(_ definition: SweepDefinition, _ root: YAMLNode) {
        do {
            _ = try YAMLReader.read(definition.canonicalText)
        } catch {
            self.error(root, "with every default filled in it cannot be read again: \(error.message)")
        }
    }

    private mutating func document(_ text: String) -> YAMLNode? {
        let start = YAMLPosition(line: 1, column: 1)
        do {
            let (root, surprises) = try YAMLReader.read(text)
            for surprise in surprises { report(surprise) }
            guard let root, !root.isNull else {
                error(start, .root, "the file is empty; a sweep needs method, metric and parameters")
                return nil
            }
            guard root.entries != nil else {
                error(root, "the file must be a mapping of keys such as method and parameters, found \(root.found)")
                return nil
            }
            return root
        } catch {
            self.error(error.position, error.path, error.message)
            return nil
        }
    }

    private mutating func report(_ surprise: YAMLReader.Surprise) {
        let message: String
        switch surprise.kind {
        case .oldBoolean:
            let isTrue = PlainScalar.value(of: surprise.text).value == .bool(true)
            message =
                "'\(surprise.text)' is read as \(isTrue), as W&B reads it; write \"\(surprise.text)\" for the text"
        case .octal:
            message = "'\(surprise.text)' starts with 0 and is read as an octal number, as W&B reads it"
        case .wideInteger:
            if surprise.path.description == "seed" { return }
            message = "'\(surprise.text.shortened)' does not fit 64 bits and is read as a float"
        }
        warn(surprise.position, surprise.path, message)
    }

    /// The value of a key that must be there. A key nearby that looks like it is named.
    mutating func required(_ key: String, of node: YAMLNode, known: [String] = SweepFileReader.keys) -> YAMLNode? {
        if let value = node[key] { return value }
        let unknown = node.entries?.filter { !known.contains($0.key) } ?? []
        if let slip = unknown.first(where: { nearestWord(to: $0.key, in: known) == key }) {
            error(
                slip.position, .key(key, of: node.path), "is missing",
                suggestion: "did you mean '\(key)' where you wrote '\(slip.key)'?")
        } else {
            error(node.position, .key(key, of: node.path), "is missing")
        }
        return nil
    }

    private mutating func method(_ node: YAMLNode) -> SweepDefinition.Method? {
        if let text = node.scalar?.text, Self.methodsNotYetAvailable.contains(text) {
            error(node, "'\(text)' is not available yet in this version", suggestion: "use bayes or auto")
            return nil
        }
        return word(node, of: SweepDefinition.Method.self)
    }

    private mutating func name(_ root: YAMLNode, _ overrides: SweepFile.Overrides) -> String? {
        let written = root["name"].flatMap { $0.isNull ? nil : $0 }
        let inFile = written.flatMap { line($0) }
        if let inFile, inFile.utf8.count > 200, let written { error(written, "must be at most 200 bytes long") }
        if let inFile, inFile.hasPrefix("-"), let written {
            error(written, "must not begin with a hyphen: commands would take it for an option")
        }
        if let name = overrides.name {
            if name.isEmpty || name.utf8.count > 200 || name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
                commandLineError("name", "must be 1 to 200 bytes on one line")
            }
            if name.hasPrefix("-") {
                commandLineError("name", "must not begin with a hyphen: commands would take it for an option")
            }
            return name
        }
        if written != nil { return inFile }
        return overrides.defaultName ?? "sweep"
    }

    private mutating func description(_ node: YAMLNode) -> String? {
        if let text = node.scalar?.text { return text }
        error(node, "must be a text, found \(node.found)")
        return nil
    }
}

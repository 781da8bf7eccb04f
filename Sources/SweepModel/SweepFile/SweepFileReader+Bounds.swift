// SPDX-License-Identifier: MIT

extension SweepFileReader {
    /// Whether workers can be handed the sweep's trials, whichever values they get.
    mutating func checkBounds(_ definition: SweepDefinition, _ root: YAMLNode) {
        checkCommand(definition, root)
        if let program = definition.program, program.utf8.count > TrialBounds.programBytes, let node = root["program"] {
            error(node, "must be at most \(TrialBounds.programBytes) bytes long")
        }
        if definition.objective.metric.utf8.count > TrialBounds.metricBytes, let node = root["metric"]?["name"] {
            error(node, "must be at most \(TrialBounds.metricBytes) bytes long")
        }
        checkParameters(definition, root)
        guard !hasErrors else { return }
        checkTogether(definition, root)
    }

    private mutating func checkCommand(_ definition: SweepDefinition, _ root: YAMLNode) {
        guard let node = root["command"] else { return }
        if definition.command.count > TrialBounds.arguments {
            error(node, "must be at most \(TrialBounds.arguments) words, found \(definition.command.count)")
        }
        for (word, element) in zip(definition.command, node.elements ?? [])
        where word.utf8.count > TrialBounds.argumentBytes {
            error(
                element,
                "a word must be at most \(TrialBounds.argumentBytes >> 10) KiB long, found \(Self.kibibytes(word.utf8.count))",
                suggestion: Self.remedy)
        }
    }

    private mutating func checkParameters(_ definition: SweepDefinition, _ root: YAMLNode) {
        guard let node = root["parameters"] else { return }
        let parameters = definition.space.parameters
        if parameters.count > TrialBounds.parameters {
            error(node, "must be at most \(TrialBounds.parameters) parameters, found \(parameters.count)")
        }
        for parameter in parameters where parameter.valueDepth > TrialBounds.valueDepth {
            error(
                node,
                "a value of '\(parameter.name.shortened)' is nested \(parameter.valueDepth) levels deep, and a worker takes at "
                    + "most \(TrialBounds.valueDepth)", suggestion: "write the value as one text of JSON")
        }
    }

    /// What is long may be so by its choices alone: the longest of each count, whether or not they can meet in one trial.
    private mutating func checkTogether(_ definition: SweepDefinition, _ root: YAMLNode) {
        let command = definition.commandBytes
        let parameters = definition.space.parameters.map { ($0.name, bytes: $0.maximumBytes) }
        let whole = parameters.reduce(command) { $0 + $1.bytes }
        guard whole > TrialBounds.bytes else { return }
        let limit = "and workers take at most \(TrialBounds.bytes >> 10) KiB"
        guard let longest = parameters.max(by: { $0.bytes < $1.bytes }), longest.bytes > command,
            let node = root["parameters"]
        else {
            error(
                root["command"] ?? root,
                "with the longest values of the parameters it has \(Self.kibibytes(whole)), \(limit)",
                suggestion: Self.remedy)
            return
        }
        error(
            node,
            "with the command, a trial with the longest values has \(Self.kibibytes(whole)), \(limit); the longest are of "
                + "'\(longest.0.shortened)', with \(Self.kibibytes(longest.bytes))", suggestion: Self.remedy)
    }

    private static let remedy = "put what is long into a file, and its name here"

    private static func kibibytes(_ bytes: Int) -> String { "\((bytes + 1023) >> 10) KiB" }
}

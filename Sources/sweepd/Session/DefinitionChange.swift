// SPDX-License-Identifier: MIT

import SweepModel

/// A field of an edited sweep file that differs from what was run.
struct DefinitionChange: CustomStringConvertible {
    let field: String
    let before: String
    let after: String
    /// Whether trials from before and after the edit can be compared.
    let isCompatible: Bool

    var description: String {
        "\(field): \(before) → \(after)\(isCompatible ? "" : "   (not within one sweep)")"
    }

    /// In the order of the sweep file's keys.
    static func between(_ old: SweepDefinition, _ new: SweepDefinition) -> [DefinitionChange] {
        var changes: [DefinitionChange] = []
        func compare<Value: Equatable>(
            _ field: String, _ value: (SweepDefinition) -> Value, compatible: Bool,
            text: (Value) -> String = { "\($0)" }
        ) {
            let (before, after) = (value(old), value(new))
            guard before != after else { return }
            changes.append(
                DefinitionChange(
                    field: field, before: Format.printable(text(before)), after: Format.printable(text(after)),
                    isCompatible: compatible))
        }
        compare("method", \.method.rawValue, compatible: false)
        compare("metric.name", \.objective.metric, compatible: false)
        compare("metric.goal", \.objective.goal.rawValue, compatible: false)
        compare("metric.summary", \.objective.summary.rawValue, compatible: false)
        compare("metric.target", \.objective.target, compatible: true) { Format.number($0) }
        compare("metric.pattern", { $0.metricPattern?.expression }, compatible: true) { $0 ?? "none" }
        compare("trials", \.trials, compatible: true) { $0.map(String.init) ?? "no limit" }
        compare("seed", \.seed, compatible: false)
        compare("repeats", \.repeats, compatible: false)
        compare("order", \.gridOrder.rawValue, compatible: false)
        compare("deterministic", \.deterministicPending, compatible: false) { $0.map { "\($0) pending" } ?? "no" }
        changes += parameters(old.space, new.space)
        compare("baseline", { $0.baselines.map { Format.configuration($0) } }, compatible: false) {
            $0.isEmpty ? "none" : $0.joined(separator: "; ")
        }
        compare("command", \.command, compatible: true) { $0.joined(separator: " ") }
        compare("program", \.program, compatible: true) { $0 ?? "none" }
        compare("workers", \.workers, compatible: true) { $0.map(String.init) ?? "default" }
        compare("retries", \.retries, compatible: true)
        compare("limits.trial", \.limits.trial, compatible: true) { $0.map { Format.duration($0) } ?? "none" }
        compare("limits.sweep", \.limits.sweep, compatible: true) { $0.map { Format.duration($0) } ?? "none" }
        compare("limits.memory", \.limits.memory, compatible: true) { $0.map { Format.bytes($0) } ?? "none" }
        compare("limits.steps", \.limits.steps, compatible: true) { $0.map { "\($0)" } ?? "none" }
        compare("grace", \.grace, compatible: true) { Format.duration($0) }
        compare("description", \.description, compatible: true) { $0 ?? "none" }
        compare("early_terminate", \.earlyTermination, compatible: true) { $0?.json.text ?? "none" }
        compare("task", \.placement.task, compatible: true) { $0 ?? "none" }
        compare("requires", \.placement.requires, compatible: true) { $0.isEmpty ? "none" : $0.joined(separator: ", ") }
        compare("priority", \.placement.priority, compatible: true)
        compare("checkpoints", \.checkpoints, compatible: true) { $0?.json.text ?? "none" }
        return changes
    }

    private static func parameters(_ old: SearchSpace, _ new: SearchSpace) -> [DefinitionChange] {
        guard old != new else { return [] }
        let before = old.parameters, after = new.parameters
        let names = before.map(\.name) + after.map(\.name).filter { name in !before.contains { $0.name == name } }
        var changes: [DefinitionChange] = []
        for name in names {
            let one = before.first { $0.name == name }, other = after.first { $0.name == name }
            guard one != other else { continue }
            let (what, then) =
                one == nil ? ("absent", "added") : other == nil ? ("there", "removed") : ("as run", "changed")
            changes.append(
                DefinitionChange(field: "parameters.\(name)", before: what, after: then, isCompatible: false))
        }
        if changes.isEmpty {
            // Trial k's configuration follows from the parameters' order too.
            changes.append(
                DefinitionChange(field: "parameters", before: "order", after: "other order", isCompatible: false))
        }
        return changes
    }
}

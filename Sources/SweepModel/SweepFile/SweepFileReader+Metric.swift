// SPDX-License-Identifier: MIT

import RegularExpressions

extension SweepFileReader {
    private static let metricKeys = [
        "name", "goal", "target", "summary", "pattern", "impute", "impute_while_running",
    ]

    /// - Parameter standard: the summary where the file names none.
    mutating func metric(
        _ node: YAMLNode, _ overrides: SweepFile.Overrides, standard: Objective.Summary
    ) -> (objective: Objective, pattern: SweepDefinition.MetricPattern?)? {
        if let scalar = node.scalar, !node.isNull {
            error(node, "must be a mapping", suggestion: "write metric: {name: \(scalar.text.shortened)}")
            return nil
        }
        guard mapping(node, keys: Self.metricKeys) != nil else { return nil }
        let goal = node["goal"].flatMap { word($0, of: Objective.Goal.self) } ?? .minimize
        let summary = node["summary"].flatMap { word($0, of: Objective.Summary.self) } ?? standard
        let target = node["target"].flatMap { number($0) }
        let pattern = node["pattern"].flatMap { self.pattern($0, isChecked: overrides.checksPattern) }
        guard let nameNode = required("name", of: node, known: Self.metricKeys), let name = line(nameNode) else {
            return nil
        }
        if Self.namesTest(name) {
            warn(nameNode, "the name says 'test'; tune on a validation split, never on the test split")
        }
        return (Objective(metric: name, goal: goal, summary: summary, target: target), pattern)
    }

    private mutating func pattern(_ node: YAMLNode, isChecked: Bool) -> SweepDefinition.MetricPattern? {
        guard case .string(let expression)? = node.scalar?.value, !expression.isEmpty else {
            error(node, "must be a regular expression in quotes, found \(node.found)")
            return nil
        }
        guard isChecked else { return SweepDefinition.MetricPattern(expression: expression) }
        // As the worker will read it, which has the same engine.
        let names: [String]
        do {
            names = try RegularExpression(expression).names
        } catch {
            self.error(node, "is no regular expression: \(error)")
            return nil
        }
        guard !names.isEmpty else {
            error(node, "must name a group for each metric, such as 'loss=(?<loss>\\S+)'")
            return nil
        }
        return SweepDefinition.MetricPattern(expression: expression)
    }

    /// "test" as a word of its own: not in "latest" or "contest".
    private static func namesTest(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        let test = Array("test".utf8)
        guard bytes.count >= test.count else { return false }
        return (0...bytes.count - test.count).contains { start in
            guard zip(bytes[start...], test).allSatisfy({ $0 | 0x20 == $1 }) else { return false }
            let isCapital = bytes[start] == UInt8(ascii: "T")
            let before = start > 0 ? bytes[start - 1] : UInt8(ascii: "_")
            let followsLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(before | 0x20)
            return isCapital || !followsLetter
        }
    }
}

// SPDX-License-Identifier: MIT

extension SweepFileReader {
    private static let maximumConditionValues = 4000

    /// The parameters with those of their conditions that could be resolved, and whether all could.
    mutating func conditions(of declared: [DeclaredParameter]) -> (parameters: [WrittenParameter], isComplete: Bool) {
        var byName: [String: DeclaredParameter] = [:]
        for parameter in declared { byName[parameter.name] = parameter }
        let names = declared.map(\.name)
        var result: [WrittenParameter] = []
        var isComplete = true
        var count = 0
        for parameter in declared {
            var conditions: [Parameter.Condition] = []
            for (block, node) in parameter.conditions {
                guard let entries = node.entries else {
                    error(node, "must be a mapping such as {optimizer: sgd}, found \(node.found)")
                    isComplete = false
                    continue
                }
                for entry in entries {
                    let resolved = condition(entry, of: parameter, in: block, names, byName)
                    guard let resolved, add(resolved, to: &conditions, at: entry.value) else {
                        isComplete = false
                        continue
                    }
                }
            }
            // A block's condition counts for each parameter in it: bound the product, not only the file.
            count += conditions.reduce(0) { $0 + $1.values.count }
            guard count <= Self.maximumConditionValues else {
                error(parameter.node, "the conditions name more than \(Self.maximumConditionValues) values in all")
                return ([], false)
            }
            let distribution = parameter.distribution ?? .constant(.null)
            result.append(
                WrittenParameter(
                    parameter: Parameter(path: parameter.path, distribution: distribution, conditions: conditions),
                    node: parameter.node))
        }
        return (result, isComplete)
    }

    /// The full name that `written` means within `block`: the innermost block that has it wins.
    static func resolve(_ written: String, in block: [String], isName: (String) -> Bool) -> String? {
        for depth in stride(from: block.count, through: 0, by: -1) {
            let name = (block.prefix(depth) + [written]).joined(separator: ".")
            if isName(name) { return name }
        }
        return nil
    }

    private mutating func condition(
        _ entry: YAMLEntry, of child: DeclaredParameter, in block: [String], _ names: [String],
        _ byName: [String: DeclaredParameter]
    ) -> Parameter.Condition? {
        let name = Self.resolve(entry.key, in: block) { byName[$0] != nil }
        guard let name, let parent = byName[name] else {
            error(
                entry.position, entry.value.path, "names no parameter",
                suggestion: Self.didYouMean(entry.key, names))
            return nil
        }
        guard name != child.name else {
            error(entry.position, entry.value.path, "a parameter cannot depend on itself")
            return nil
        }
        let alternatives = entry.value.elements ?? [entry.value]
        guard !alternatives.isEmpty else {
            error(entry.value, "must name at least one value of '\(name)'")
            return nil
        }
        // Its own error is reported where it stands.
        guard let distribution = parent.distribution else { return nil }
        var values: [JSONValue] = []
        for alternative in alternatives {
            guard let value = match(alternative, among: distribution, of: name) else { return nil }
            if !values.contains(value) { values.append(value) }
        }
        return Parameter.Condition(name, in: values)
    }

    /// Two conditions on one parent are one: both must hold.
    private mutating func add(
        _ condition: Parameter.Condition, to conditions: inout [Parameter.Condition], at node: YAMLNode
    ) -> Bool {
        guard let index = conditions.firstIndex(where: { $0.parent == condition.parent }) else {
            conditions.append(condition)
            return true
        }
        let common = conditions[index].values.filter { condition.values.contains($0) }
        guard !common.isEmpty else {
            error(node, "can never hold together with the condition of the block around it")
            return false
        }
        conditions[index] = Parameter.Condition(condition.parent, in: common)
        return true
    }

    /// The parent's own value that `node` means.
    private mutating func match(
        _ node: YAMLNode, among distribution: Distribution, of name: String
    ) -> JSONValue? {
        let value = node.json
        switch distribution {
        case .constant(let only): return own(value, among: [only], of: name, at: node)
        case .categorical(let values, _, _): return own(value, among: values, of: name, at: node)
        case .integer(let low, let high, let step, _):
            guard case .integer(let whole) = value.asWholeNumber, whole >= low, whole <= high,
                (whole - low) % step == 0
            else {
                let steps = step > 1 ? " in steps of \(step)" : ""
                error(node, "'\(name)' is an integer from \(low) to \(high)\(steps), never \(node.found)")
                return nil
            }
            return .integer(whole)
        case .real:
            error(node, "'\(name)' is a range of floats; a condition needs a parent with values or integers")
            return nil
        }
    }

    private mutating func own(
        _ value: JSONValue, among values: [JSONValue], of name: String, at node: YAMLNode
    ) -> JSONValue? {
        let identity = value.asWholeNumber
        if let own = values.first(where: { $0.asWholeNumber == identity }) { return own }
        error(
            node, "'\(name)' never has the value \(node.found); it has \(Self.list(values))",
            suggestion: Self.nearest(value, values))
        return nil
    }

    static func list(_ values: [JSONValue]) -> String {
        let shown = values.prefix(8).map { ($0.stringValue ?? $0.text).shortened }
        return alternatives(values.count > 8 ? shown + ["\(values.count - 8) more"] : shown)
    }

    static func nearest(_ value: JSONValue, _ values: [JSONValue]) -> String? {
        didYouMean(value.stringValue ?? value.text, values.map { $0.stringValue ?? $0.text })
    }
}

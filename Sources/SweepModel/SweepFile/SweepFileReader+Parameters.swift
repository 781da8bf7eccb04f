// SPDX-License-Identifier: MIT

/// A parameter and where it was written.
struct WrittenParameter {
    let parameter: Parameter
    let node: YAMLNode
}

/// A parameter whose conditions are not resolved yet.
struct DeclaredParameter {
    let path: [String]
    let node: YAMLNode
    /// Nil when its form was in error; conditions may still name it.
    let distribution: Distribution?
    /// `when` of the blocks around it and its own, each with the path of the block that it stands in.
    let conditions: [(block: [String], node: YAMLNode)]

    var name: String { path.joined(separator: ".") }
}

extension SweepFileReader {
    /// The parameters, each after those its conditions name; nil when any is in error.
    mutating func parameters(_ node: YAMLNode) -> [WrittenParameter]? {
        guard let entries = node.entries, !entries.isEmpty else {
            let found = node.entries == nil ? node.found : "an empty mapping"
            error(node, "must be a mapping with at least one parameter, found \(found)")
            return nil
        }
        var declared: [DeclaredParameter] = []
        declare(entries, in: [], node.path, conditions: [], &declared)
        checkUnique(declared)
        let conditioned = conditions(of: declared)
        guard conditioned.isComplete, !declared.contains(where: { $0.distribution == nil }) else {
            // A circle elsewhere is told in the same breath.
            _ = sorted(conditioned.parameters)
            return nil
        }
        return ordered(conditioned.parameters)
    }

    private mutating func declare(
        _ entries: [YAMLEntry], in block: [String], _ blockPath: YAMLPath,
        conditions: [(block: [String], node: YAMLNode)], _ declared: inout [DeclaredParameter]
    ) {
        for entry in entries {
            let node = entry.value
            if !Self.isParameterName(entry.key) {
                error(
                    entry.position, .key(entry.key.shortened, of: blockPath),
                    "a parameter's name starts with a letter or '_' and has only letters, digits, '_', '.' and '-'")
            }
            let path = block + [entry.key]
            if path.reduce(0, { $0 + $1.utf8.count + 1 }) > YAMLReader.maximumKeyBytes + 1 {
                error(
                    entry.position, .key(entry.key, of: blockPath),
                    "the name, with the blocks around it, is longer than \(YAMLReader.maximumKeyBytes) bytes")
            }
            let all = conditions + (node["when"].map { [(block, $0)] } ?? [])
            if let nested = node["parameters"], node["distribution"] == nil {
                declareBlock(node, nested, path, conditions: all, &declared)
            } else {
                declared.append(
                    DeclaredParameter(
                        path: path, node: node, distribution: checkedDistribution(node), conditions: all))
            }
        }
    }

    private mutating func declareBlock(
        _ node: YAMLNode, _ nested: YAMLNode, _ path: [String], conditions: [(block: [String], node: YAMLNode)],
        _ declared: inout [DeclaredParameter]
    ) {
        for entry in node.entries ?? [] where entry.key != "parameters" && entry.key != "when" {
            error(entry.position, .key(entry.key, of: node.path), "does not apply beside nested parameters")
        }
        guard let entries = nested.entries, !entries.isEmpty else {
            error(nested, "must be a mapping with at least one parameter, found \(nested.found)")
            return
        }
        declare(entries, in: path, nested.path, conditions: conditions, &declared)
    }

    private mutating func checkedDistribution(_ node: YAMLNode) -> Distribution? {
        switch node.content {
        case .mapping: return distribution(node)
        case .scalar(let scalar):
            let hint = node.isNull ? nil : "write {value: \(scalar.text.shortened)}"
            error(node, "must be a mapping, found \(node.found)", suggestion: hint)
        case .sequence: error(node, "must be a mapping, found a list", suggestion: "write {values: […]}")
        }
        return nil
    }

    private mutating func checkUnique(_ declared: [DeclaredParameter]) {
        var names: Set<String> = []
        for parameter in declared where !names.insert(parameter.name).inserted {
            error(parameter.node, "another parameter is named '\(parameter.name)' too")
        }
    }

    /// `^[A-Za-z_][A-Za-z0-9_.-]*$`
    static func isParameterName(_ name: String) -> Bool {
        guard let first = name.utf8.first else { return false }
        func isLetter(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
        }
        return isLetter(first)
            && name.utf8.allSatisfy { byte in
                isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
            }
    }

    /// What W&B's grid bears, and floats with a step.
    mutating func checkGrid(_ parameters: [WrittenParameter]) {
        for written in parameters {
            switch written.parameter.distribution {
            case .constant, .integer, .real(.uniform, .some), .real(.logUniform, .step): continue
            case .categorical(_, let probabilities, _) where probabilities.isEmpty: continue
            case .categorical:
                error(written.node, "a grid takes no probabilities")
            case .real:
                error(
                    written.node,
                    "a grid requires all parameters to be categorical, constant, int_uniform or q_uniform",
                    suggestion: "give it values or a step")
            }
        }
    }
}

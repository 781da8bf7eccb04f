// SPDX-License-Identifier: MIT

extension SweepFileReader {
    /// `task`, `requires` and `priority`.
    mutating func placement(_ root: YAMLNode) -> Placement {
        var placement = Placement()
        placement.task = root["task"].flatMap { $0.isNull ? nil : name($0, "a task") }
        if let node = root["requires"], !node.isNull {
            let elements = node.elements ?? [node]
            placement.requires = elements.compactMap { name($0, "a label") }
            if elements.count > Placement.maximumLabels {
                error(node, "must be at most \(Placement.maximumLabels) labels, found \(elements.count)")
            }
        }
        let priority = root["priority"].flatMap { $0.isNull ? nil : integer($0, in: Placement.priorities) }
        placement.priority = Int(priority ?? 0)
        return placement
    }

    private mutating func name(_ node: YAMLNode, _ what: String) -> String? {
        guard let text = node.scalar?.text, Placement.isName(text) else {
            error(
                node,
                "must be \(what) of 1 to \(Placement.nameBytes) letters, digits and any of _ . = : - (none at the "
                    + "start), found \(node.found)")
            return nil
        }
        return text
    }
}

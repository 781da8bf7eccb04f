// SPDX-License-Identifier: MIT

extension SweepFileReader {
    static let earlyTerminationTypes = [
        "hyperband", "asha", "median", "percentile", "patience", "threshold", "async_hyperband", "wilcoxon", "auto",
    ]

    /// Kept as written; only its type and the number of steps it implies are looked at.
    mutating func earlyTermination(_ node: YAMLNode) -> (written: JSONValue?, maximumStep: Int64?)? {
        if node.isNull { return nil }
        guard node.entries != nil else {
            error(node, "must be a mapping such as {type: hyperband, min_iter: 3}, found \(node.found)")
            return nil
        }
        guard let type = required("type", of: node, known: ["type"]) else { return nil }
        let text = type.scalar?.text ?? ""
        if text == "envelope" {
            warn(type, "'envelope' was removed from W&B and has no effect here")
            return nil
        }
        guard Self.earlyTerminationTypes.contains(text) else {
            unknownWord(type, text, among: Self.earlyTerminationTypes)
            return nil
        }
        warn(node, "is recorded, but this version does not stop trials early yet")
        refuseNonFinite(node)
        let steps = node["max_step"].flatMap { integer($0, in: 1 ... .max) }
        let iterations = node["max_iter"].flatMap { integer($0, in: 1 ... .max) }
        return (node.json, steps ?? iterations)
    }

    /// The journal writes non-finite numbers as text, so they would not come back as they were. False: reported one.
    @discardableResult
    mutating func refuseNonFinite(_ node: YAMLNode) -> Bool {
        var isFinite = true
        switch node.content {
        case .scalar(let scalar):
            if case .number(let value) = scalar.value, !value.isFinite {
                error(node, "must be finite, found \(node.found)", suggestion: "put it in quotes to pass the text")
                isFinite = false
            }
        case .sequence(let nodes):
            for element in nodes where !refuseNonFinite(element) { isFinite = false }
        case .mapping(let entries):
            for entry in entries where !refuseNonFinite(entry.value) { isFinite = false }
        }
        return isFinite
    }
}

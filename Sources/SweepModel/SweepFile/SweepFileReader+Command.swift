// SPDX-License-Identifier: MIT

extension SweepFileReader {
    /// W&B's default, used when a program is given and no command.
    static let defaultCommand = ["${env}", "${interpreter}", "${program}", "${args}"]

    private static let macros = [
        "env", "interpreter", "program", "args", "args_no_hyphens", "args_no_boolean_flags", "args_no_equals",
        "args_json", "args_json_file",
    ]

    mutating func command(_ root: YAMLNode, program: String?, space: SearchSpace?) -> [String] {
        guard let node = root["command"], !node.isNull else {
            if root["program"] != nil { return Self.defaultCommand }
            // Workers that declare the task know what to run.
            if root["task"] != nil { return [] }
            warn(
                root.position, .key("command", of: .root),
                "neither command nor program is given, so only workers that attach themselves can run trials")
            return []
        }
        guard let elements = node.elements, !elements.isEmpty else {
            error(
                node, "must be a list of words, found \(node.elements == nil ? node.found : "an empty list")",
                suggestion: "as in [\"${interpreter}\", train.py, \"${args}\"]")
            return []
        }
        var words: [String] = []
        for element in elements {
            guard let scalar = element.scalar, !element.isNull, !scalar.text.utf8.contains(0) else {
                error(element, "must be a word, found \(element.found)")
                continue
            }
            words.append(scalar.text)
            check(macro: scalar.text, at: element, hasProgram: root["program"] != nil, space)
        }
        return words
    }

    private mutating func check(macro text: String, at node: YAMLNode, hasProgram: Bool, _ space: SearchSpace?) {
        guard text.hasPrefix("${"), text.hasSuffix("}") else { return }
        let name = String(text.dropFirst(2).dropLast())
        if name == "program", !hasProgram {
            error(node, "'${program}' needs the key program", suggestion: "add program: train.py, say")
        }
        if name.hasPrefix("envvar:") || Self.macros.contains(name) { return }
        // A block of nested parameters has a value too, under its own name.
        guard let space, space.index(of: name) == nil,
            !space.parameters.contains(where: { $0.path[0] == name })
        else { return }
        warn(
            node, "unknown macro '\(text.shortened)'",
            suggestion: Self.didYouMean(name, Self.macros + space.parameters.map(\.name)))
    }
}

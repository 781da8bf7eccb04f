// SPDX-License-Identifier: MIT

package import SweepModel

/// An early-stopping rule to run a sweep with in place of its file's.
package struct ComparedRule: Hashable, Sendable {
    private enum Form: Hashable {
        /// The sweep file's own.
        case file
        case none
        /// The `type` of a rule with its defaults.
        case type(String)
        /// All of `early_terminate`, as YAML on one line.
        case mapping(String)
    }

    private let form: Form
    /// As the user wrote it.
    package let name: String

    /// The sweep file's own rule.
    package static let file = ComparedRule(form: .file, name: "file")

    private init(form: Form, name: String) {
        self.form = form
        self.name = name
    }

    /// Reads `asha`, `none`, `file`, or a mapping such as `{type: asha, eta: 2}`.
    package init(_ text: String) {
        name = text
        switch text {
        case "file": form = .file
        case "none": form = .none
        case _ where text.hasPrefix("{"): form = .mapping(text)
        default: form = .type(text)
        }
    }

    /// Reads a list of them, separated by commas outside braces.
    package static func list(_ text: String) -> [ComparedRule] {
        var words: [String] = [""]
        var depth = 0
        for character in text {
            if character == "{" || character == "[" { depth += 1 }
            if character == "}" || character == "]" { depth -= 1 }
            if character == ",", depth == 0 {
                words.append("")
            } else if !words[words.count - 1].isEmpty || character != " " {
                words[words.count - 1].append(character)
            }
        }
        return words.map { word in
            var word = word
            while word.last == " " { word.removeLast() }
            return ComparedRule(word)
        }
    }

    /// The definition with this rule.
    ///
    /// - Parameter lastStep: the table's last step. A rule that does not say where a trial ends gets the file's
    ///   `max_step`, or else this.
    /// - Returns: the definition, and what is doubtful about the rule.
    /// - Throws: what is wrong with the rule, as of a sweep file.
    package func applied(
        to definition: SweepDefinition, lastStep: Int64
    ) throws(SweepFileErrors) -> (definition: SweepDefinition, warnings: [Diagnostic]) {
        let steps = definition.maximumStep ?? max(1, lastStep)
        let rule: String
        switch form {
        case .file: return (definition, [])
        case .mapping(let text) where text.contains("max_step") || text.contains("max_iter"): rule = text
        case .mapping(let text): rule = "{\"max_step\":\(steps),\(text.dropFirst())"
        case .type(let type): rule = "{\"type\":\(JSONValue.string(type).text),\"max_step\":\(steps)}"
        // Trials end where the file's do; without bounds this rule stops nothing.
        case .none: rule = definition.maximumStep.map { "{\"type\":\"threshold\",\"max_step\":\($0)}" } ?? "null"
        }
        var bare = definition
        bare.earlyTermination = nil
        // JSON is YAML, and so is a mapping of the user's within it.
        let text = bare.canonicalText.dropLast() + ",\"early_terminate\":\(rule)}"
        let parsed = try SweepFile.parse(String(text), file: "--compare \(name)")
        var changed = definition
        changed.earlyTermination = parsed.definition.earlyTermination
        // Of a rule that stops nothing there is nothing to say.
        if case .none = form { return (changed, []) }
        return (changed, parsed.warnings.filter { $0.field.hasPrefix("early_terminate") })
    }
}

// SPDX-License-Identifier: MIT

/// Turns a tree of YAML into a definition and collects everything that is wrong with it. One extension a concern; each
/// returns nil, or leaves out, what it has reported.
struct SweepFileReader {
    /// More would help nobody, and a hostile file must not cost memory for each of its values.
    private static let maximumDiagnostics = 100

    let file: String
    private var diagnostics: [Diagnostic] = []
    private var seen: Set<Diagnostic> = []

    init(file: String) {
        self.file = file
    }

    func sorted(_ severity: Diagnostic.Severity) -> [Diagnostic] {
        diagnostics.enumerated().filter { $0.element.severity == severity }
            .sorted {
                ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
            }
            .map(\.element)
    }

    var hasErrors: Bool {
        diagnostics.contains { $0.severity == .error }
    }

    mutating func error(
        _ node: YAMLNode, _ message: String, suggestion: @autoclosure () -> String? = nil
    ) {
        report(.error, node.position, node.path, message, suggestion)
    }

    mutating func error(
        _ position: YAMLPosition, _ path: YAMLPath, _ message: String, suggestion: @autoclosure () -> String? = nil
    ) {
        report(.error, position, path, message, suggestion)
    }

    mutating func warn(
        _ node: YAMLNode, _ message: String, suggestion: @autoclosure () -> String? = nil
    ) {
        report(.warning, node.position, node.path, message, suggestion)
    }

    mutating func warn(
        _ position: YAMLPosition, _ path: YAMLPath, _ message: String, suggestion: @autoclosure () -> String? = nil
    ) {
        report(.warning, position, path, message, suggestion)
    }

    /// For what stands on the command line.
    mutating func commandLineError(_ field: String, _ message: String) {
        diagnostics.append(Diagnostic(file: "command line", line: 0, field: field, message: message))
    }

    private mutating func report(
        _ severity: Diagnostic.Severity, _ position: YAMLPosition, _ path: YAMLPath, _ message: String,
        _ suggestion: () -> String?
    ) {
        // Warnings leave room: errors are never crowded out by them.
        let limit = severity == .error ? Self.maximumDiagnostics : Self.maximumDiagnostics / 2
        guard diagnostics.count < limit else { return }
        let diagnostic = Diagnostic(
            severity: severity, file: file, line: position.line, column: position.column, field: path.description,
            message: message, suggestion: suggestion())
        if seen.insert(diagnostic).inserted { diagnostics.append(diagnostic) }
    }
}

// MARK: - Values of an expected kind

extension SweepFileReader {
    /// A finite number.
    mutating func number(_ node: YAMLNode) -> Double? {
        switch node.scalar?.value {
        case .integer(let value): return Double(value)
        case .number(let value) where value.isFinite: return value
        case .number: error(node, "must be a finite number, found \(node.found)")
        default: wrongKind(node, expected: "a number")
        }
        return nil
    }

    /// A whole number, also where it is written as `10.0` or `1e3`.
    mutating func integer(_ node: YAMLNode, in range: ClosedRange<Int64> = .min ... .max) -> Int64? {
        switch node.scalar?.value {
        case .integer(let value):
            if range.contains(value) { return value }
            error(node, "must be \(Self.text(of: range)), found \(value)")
        case .number(let value):
            if let whole = Int64(exactly: value) {
                if range.contains(whole) { return whole }
                error(node, "must be \(Self.text(of: range)), found \(whole)")
            } else {
                error(node, "must be a whole number, found \(node.found)")
            }
        default: wrongKind(node, expected: "a whole number")
        }
        return nil
    }

    mutating func bool(_ node: YAMLNode) -> Bool? {
        if let value = node.scalar?.value.boolValue { return value }
        error(node, "must be true or false, found \(node.found)")
        return nil
    }

    /// A text on one line that is not empty. What YAML takes for a number or boolean is taken as written.
    mutating func line(_ node: YAMLNode) -> String? {
        guard let scalar = node.scalar, !node.isNull else {
            error(node, "must be a text, found \(node.found)")
            return nil
        }
        guard !scalar.text.isEmpty, !scalar.text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            error(node, "must be a text on one line, not empty and without control characters")
            return nil
        }
        return scalar.text
    }

    mutating func word<Word: RawRepresentable & CaseIterable>(
        _ node: YAMLNode, of type: Word.Type
    ) -> Word? where Word.RawValue == String {
        let words = type.allCases.map(\.rawValue)
        guard let text = node.scalar?.text else {
            error(node, "must be \(Self.alternatives(words)), found \(node.found)")
            return nil
        }
        if let word = Word(rawValue: text) { return word }
        unknownWord(node, text, among: words)
        return nil
    }

    mutating func unknownWord(_ node: YAMLNode, _ text: String, among words: [String]) {
        error(
            node, "must be \(Self.alternatives(words)), found '\(text.shortened)'",
            suggestion: Self.didYouMean(text, words))
    }

    /// The entries of a mapping; unknown keys are warned about.
    mutating func mapping(_ node: YAMLNode, keys: [String]) -> [YAMLEntry]? {
        guard let entries = node.entries else {
            error(node, "must be a mapping of \(Self.alternatives(keys, joined: "and")), found \(node.found)")
            return nil
        }
        for entry in entries where !keys.contains(entry.key) {
            warn(
                entry.position, .key(entry.key, of: node.path), "unknown key, ignored",
                suggestion: Self.didYouMean(entry.key, keys))
        }
        return entries
    }

    private mutating func wrongKind(_ node: YAMLNode, expected: String) {
        if let scalar = node.scalar, !scalar.isPlain, PlainScalar.value(of: scalar.text).value.stringValue == nil {
            error(node, "must be \(expected), found the quoted text '\(scalar.text)'", suggestion: "remove the quotes")
        } else {
            error(node, "must be \(expected), found \(node.found)")
        }
    }

    static func didYouMean(_ written: String, _ words: [String]) -> String? {
        nearestWord(to: written, in: words).map { "did you mean '\($0)'?" }
    }

    /// `a, b or c`
    static func alternatives(_ words: [String], joined conjunction: String = "or") -> String {
        guard words.count > 1, let last = words.last else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " \(conjunction) \(last)"
    }

    private static func text(of range: ClosedRange<Int64>) -> String {
        range.upperBound == .max ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    }
}

// SPDX-License-Identifier: MIT

/// One thing wrong, or worth knowing, in a sweep file: where, what was expected and, if there is one, the right word.
package struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
    package enum Severity: String, Sendable { case error, warning }

    package let severity: Severity
    package let file: String
    /// From 1; 0 for what comes from the command line and stands in no line.
    package let line: Int
    /// From 1, in Unicode scalars.
    package let column: Int
    /// The keys from the top, such as `parameters.lr.min` or `baseline[0].lr`; empty for the whole file.
    package let field: String
    package let message: String
    /// What to write instead.
    package let suggestion: String?

    package init(
        severity: Severity = .error, file: String, line: Int, column: Int = 1, field: String, message: String,
        suggestion: String? = nil
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.field = field
        self.message = message
        self.suggestion = suggestion
    }

    /// `sweep.yaml:12: parameters.lr.min: must be less than max (1.0 is not less than 0.5)`
    package var description: String {
        let place = line > 0 ? "\(file):\(line): " : "\(file): "
        let subject = field.isEmpty ? "" : "\(field): "
        let hint = suggestion.map { "; \($0)" } ?? ""
        return place + subject + message + hint
    }
}

/// Everything that is wrong with one sweep file, in the order of its lines. The user mends the file.
package struct SweepFileErrors: Error, Sendable, CustomStringConvertible {
    /// Not empty.
    package let errors: [Diagnostic]
    package let warnings: [Diagnostic]

    /// One error a line.
    package var description: String {
        errors.map(\.description).joined(separator: "\n")
    }
}

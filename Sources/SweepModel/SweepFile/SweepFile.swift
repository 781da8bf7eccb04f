// SPDX-License-Identifier: MIT

/// A sweep file, read and found valid. `Docs/sweep-file.md` says what each key means.
package struct SweepFile: Sendable {
    package let definition: SweepDefinition
    package let warnings: [Diagnostic]

    /// What the command line says; it wins over the file.
    package struct Overrides: Hashable, Sendable {
        package var name: String?
        package var trials: Int?
        package var seed: UInt64?
        package var workers: Int?
        /// Drawn by the caller, used when neither the file nor `seed` says one.
        package var defaultSeed: UInt64
        /// Used when neither the file nor `name` says one; the file's stem, say.
        package var defaultName: String?
        /// Whether `metric.pattern` must be a regular expression: for what a user wrote. What is stored already is taken as
        /// it is, or a stricter check would lock its directory.
        package var checksPattern: Bool
        /// Whether workers must be able to take its trials: for what is about to be started, and not for what is stored.
        package var checksBounds: Bool

        package init(
            name: String? = nil, trials: Int? = nil, seed: UInt64? = nil, workers: Int? = nil, defaultSeed: UInt64 = 0,
            defaultName: String? = nil, checksPattern: Bool = false, checksBounds: Bool = false
        ) {
            self.name = name
            self.trials = trials
            self.seed = seed
            self.workers = workers
            self.defaultSeed = defaultSeed
            self.defaultName = defaultName
            self.checksPattern = checksPattern
            self.checksBounds = checksBounds
        }
    }

    /// Reads the text of a sweep file; `file` is how diagnostics name it. All errors come at once, except that a text
    /// that is no YAML has only that one.
    package static func parse(
        _ text: String, file: String, overrides: Overrides = .init()
    ) throws(SweepFileErrors) -> SweepFile {
        var reader = SweepFileReader(file: file)
        let definition = reader.definition(from: text, overrides: overrides)
        let errors = reader.sorted(.error)
        let warnings = reader.sorted(.warning)
        guard let definition, errors.isEmpty else {
            throw SweepFileErrors(errors: errors, warnings: warnings)
        }
        return SweepFile(definition: definition, warnings: warnings)
    }
}

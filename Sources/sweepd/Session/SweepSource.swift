// SPDX-License-Identifier: MIT

import Foundation
import SearchAlgorithms
import SweepModel

/// A sweep file as the user named it, read and checked.
struct SweepSource {
    let path: String
    let definition: SweepDefinition
    let warnings: [Diagnostic]
    /// Whether the seed is the file's (or the command line's) own and not drawn.
    let namesSeed: Bool

    /// The folder commands run in.
    var directory: String { (path as NSString).deletingLastPathComponent }

    private static let sizeLimit = 1 << 20

    /// A seed for a file that names none.
    static func drawnSeed() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next(upperBound: 1 << 53)
    }

    /// - Throws: `UserError` with every error of the file.
    static func read(_ file: String, overrides: SweepFile.Overrides) throws -> SweepSource {
        let path = URL(fileURLWithPath: file).standardizedFileURL.path
        let text = try text(of: path, as: file)
        var overrides = overrides
        overrides.checksPattern = true
        overrides.checksBounds = true
        if overrides.defaultName == nil {
            let stem = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
            let folder = ((path as NSString).deletingLastPathComponent as NSString).lastPathComponent
            overrides.defaultName = stem == "sweep" ? folder : stem
        }
        do {
            let parsed = try SweepFile.parse(text, file: file, overrides: overrides)
            // Drawn from 2^53 by the caller: the same number in the file would be the same seed anyway.
            let namesSeed = parsed.definition.seed != overrides.defaultSeed
            return SweepSource(
                path: path, definition: parsed.definition, warnings: parsed.warnings, namesSeed: namesSeed)
        } catch {
            throw UserError("\(error)")
        }
    }

    /// Says what each `auto` picks, and why.
    func tellChoice(to stream: Terminal.Stream) {
        let choice = MethodChoice(definition)
        if let reason = choice.reason {
            Terminal.line("method: auto picks \(choice.method.rawValue), because \(reason)", to: stream)
        }
        guard let termination = definition.earlyTermination else { return }
        let pruner = PrunerChoice(termination, hasCheckpoints: definition.checkpoints != nil)
        if let reason = pruner.reason {
            Terminal.line("early_terminate: auto picks \(pruner.rule.name), because \(reason)", to: stream)
        }
    }

    private static func text(of path: String, as file: String) throws -> String {
        let data = try InputFile(path: path, shown: file, kind: "a sweep file").bytes(
            limit: sizeLimit, whereMissing: { suggestion(for: path) },
            whereDirectory: {
                FileManager.default.fileExists(atPath: path + "/sweep.yaml")
                    ? ": did you mean \(file)/sweep.yaml?" : ""
            })
        guard data.count <= sizeLimit else { throw UserError("\(file): larger than 1 MiB: is this a sweep file?") }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw UserError("\(file): not UTF-8 text")
        }
        return text
    }

    private static func suggestion(for path: String) -> String {
        let folder = (path as NSString).deletingLastPathComponent
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted()
        guard let nearest = nearestWord(to: (path as NSString).lastPathComponent, in: names) else {
            return names.isEmpty ? "" : " (there is \(names.prefix(3).joined(separator: ", ")))"
        }
        return ": did you mean \(nearest)?"
    }
}

// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import SweepModel
import SweepStore
import WorkerAgent

/// Finds the sweep a command is about.
enum Lookup {
    /// - Throws: `UserError` when there is nothing to look into, with where was looked and how to start.
    static func requireData(_ location: DataDirectory) throws {
        if FileManager.default.fileExists(atPath: location.path) { return }
        throw UserError(
            """
            there is no data directory at \(location.path).
            Start a sweep with  \(Installation.called) run sweep.yaml
            or name the directory of an earlier one with --data.
            """)
    }

    /// The sweep of that name, as a coordinator knows it.
    ///
    /// - Parameters:
    ///   - preferring: narrows the choice when no name is given; without any match all sweeps are candidates.
    ///   - verb: what the user wants to do, for the message.
    static func choose(
        _ sweeps: [SweepSummary], name: String?, preferring: (SweepSummary) -> Bool, verb: String
    ) throws -> SweepSummary {
        let index = try index(
            of: name, among: sweeps.map(\.definition.name), preferred: sweeps.map(preferring), verb: verb)
        return sweeps[index]
    }

    /// The sweep of that name, the only one, or the latest.
    static func sweep(_ reader: StoreReader, name: String?) throws -> SweepRow {
        let rows = try reader.sweeps()
        return rows[try index(of: name, among: rows.map(\.name), preferred: rows.map { _ in true }, verb: "look at")]
    }

    /// - Parameter names: in the order of creation.
    static func index(of name: String?, among names: [String], preferred: [Bool], verb: String) throws -> Int {
        guard !names.isEmpty else {
            throw UserError(
                "there is no sweep to \(verb) yet: start one with\n  \(Installation.called) run sweep.yaml")
        }
        guard let name else {
            return names.indices.last { preferred[$0] } ?? names.count - 1
        }
        if let index = names.lastIndex(of: name) { return index }
        let hint: String
        if let nearest = nearestWord(to: name, in: names) {
            hint = "did you mean \(Format.printable(nearest))?"
        } else {
            let shown = names.suffix(5).map { Format.printable($0) }.joined(separator: ", ")
            hint = "there is \(shown)" + (names.count > 5 ? " and \(names.count - 5) more" : "")
        }
        throw UserError("there is no sweep '\(Format.printable(name))' here: \(hint)")
    }
}

/// How the user named a sweep: by its name, by its sweep file, or not at all.
struct NamedSweep {
    let location: DataDirectory
    /// nil: the only or the latest one.
    let name: String?
    let source: SweepSource?

    init(_ argument: String?, data: DataOptions) throws {
        source = try Self.source(argument)
        location = data.location(beside: source == nil ? nil : argument)
        name = source?.definition.name ?? argument
    }

    /// The sweep file that the argument names; nil where it names none.
    static func source(_ argument: String?) throws -> SweepSource? {
        guard let argument, isSweepFile(argument) else { return nil }
        return try SweepSource.read(argument, overrides: .init(defaultSeed: SweepSource.drawnSeed()))
    }

    private static func isSweepFile(_ argument: String) -> Bool {
        guard argument.hasSuffix(".yaml") || argument.hasSuffix(".yml") else { return false }
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: argument, isDirectory: &isDirectory) && !isDirectory.boolValue
    }
}

/// A sweep to look at, with its store open for reading.
struct Subject {
    let location: DataDirectory
    let reader: ResultReader
    let sweep: SweepRecord
    let hints: Hints

    /// - Parameter argument: the sweep's name, its sweep file, or nil for the only or the latest one.
    static func find(_ argument: String?, data: DataOptions) throws -> Subject {
        let named = try NamedSweep(argument, data: data)
        try Lookup.requireData(named.location)
        let reader = try ResultReader(named.location)
        let row = try Lookup.sweep(reader.store, name: named.name)
        return Subject(
            location: named.location, reader: reader, sweep: try reader.sweep(row),
            hints: Hints(locating: named.location, given: data.directory))
    }

    /// What the model thinks; nil when there are too few results.
    ///
    /// - Parameter records: of all its trials.
    func model(_ records: [TrialRecord]) throws -> ModelView? {
        try ModelView(records, definition: sweep.definition) { try reader.curve(of: sweep, trial: $0) }
    }

    func trial(_ number: Int) throws -> TrialRecord {
        if let record = try reader.record(of: sweep.id, trial: number) { return record }
        let last = try reader.store.trials(of: sweep.id, order: .newestFirst, limit: 1).first?.id.number
        let known = last.map { "it has trials 0 to \($0)" } ?? "it has none yet"
        throw UserError("the sweep '\(Format.printable(sweep.name))' has no trial \(number): \(known)")
    }
}

extension Hints {
    /// Hints that work from this folder whatever the sweep's file is called: with `--data` unless the directory is the
    /// one commands look into by themselves.
    init(locating location: DataDirectory, given: String?) {
        if let given {
            self.init(data: given)
            return
        }
        let here = FileManager.default.currentDirectoryPath
        let isDefault = location.path == DataDirectory(here + "/.sweepd").path
        let relative =
            location.path.hasPrefix(here + "/") ? String(location.path.dropFirst(here.count + 1)) : location.path
        self.init(data: isDefault ? nil : relative)
    }
}

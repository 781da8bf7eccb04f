// SPDX-License-Identifier: MIT

import ArgumentParser
import SweepEngine
import SweepModel

struct Trials: ParsableCommand {
    enum Order: String, ExpressibleByArgument, CaseIterable { case value, number, seconds }

    static let configuration = CommandConfiguration(
        abstract: "List a sweep's trials.",
        discussion: """
            A terminal gets the newest 20, a pipe all of them; --limit changes both. Sorted by value, the best come \
            first; by seconds, the longest. Trials that continue others are listed apart, and after the others in JSON.

            Example:
              sweepd trials digits --sort value --limit 10
              sweepd trials --state failed
              sweepd trials --json | jq '.trials[] | select(.value < 0.1)'
            """)

    @Argument(help: SweepArgument.help) var sweep: String?
    @Option(help: ArgumentHelp("Only trials in this state: \(Trial.State.names).", valueName: "state"))
    var state: [String] = []
    @Option(help: "The order: value, number or seconds.") var sort: Order = .number
    @Option(help: ArgumentHelp("At most so many.", valueName: "n")) var limit: Int?
    @OptionGroup var data: DataOptions
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1, not \(limit)") }
        for name in state where Trial.State(rawValue: name) == nil {
            throw ValidationError("--state '\(Format.printable(name))': expected \(Trial.State.names)")
        }
    }

    func run() throws {
        let subject = try Subject.find(sweep, data: data)
        let states = state.compactMap(Trial.State.init(rawValue:))
        let all = try subject.reader.records(of: subject.sweep.id)
            .filter { states.isEmpty || states.contains($0.state) }
        let limit = limit ?? (Terminal.isInteractive() && !json ? 20 : .max)
        let own = Self.arranged(
            all.filter { !$0.isContinuation }, sort: sort, limit: limit, objective: subject.sweep.objective)
        let continued = Self.arranged(
            all.filter(\.isContinuation), sort: sort, limit: limit, objective: subject.sweep.objective)
        let shown = own + continued
        if json {
            Terminal.line(Self.document(shown, matching: all.count, sweep: subject.sweep))
            return
        }
        let width = Terminal.width
        let (definition, isLive) = (subject.sweep.definition, subject.sweep.isLive)
        for line in Self.lines(own, definition: definition, isLive: isLive, width: width) { Terminal.line(line) }
        if !continued.isEmpty {
            Terminal.line((own.isEmpty ? "" : "\n") + "continued, and ranked among none:")
            let lines = Self.lines(
                continued, definition: definition, isLive: isLive, width: width, showsParents: true)
            for line in lines { Terminal.line(line) }
        }
        if shown.count < all.count {
            let options = state.map { " --state \($0)" }.joined()
            let name = subject.hints.sweep(subject.sweep.name)
            let order = sort == .number ? "" : " --sort \(sort.rawValue)"
            Terminal.line(
                "\(all.count - shown.count) more: "
                    + subject.hints.command("trials \(name)\(options)\(order) --limit \(all.count)"))
        }
        if all.isEmpty {
            Terminal.line(states.isEmpty ? "no trials yet" : "no trial is \(state.joined(separator: " or "))")
        }
    }

    /// - Parameter matching: how many there are, shown or not.
    static func document(_ records: [TrialRecord], matching: Int, sweep: SweepRecord) -> String {
        JSONOutput.text(
            "trials",
            [
                .init("sweep", .object(sweep.members)), .init("matching", JSONOutput.integer(matching)),
                .init("trials", .array(records.map { .object($0.members) })),
            ])
    }

    /// By number: the newest, oldest first. By value or seconds: the first of the order.
    static func arranged(_ records: [TrialRecord], sort: Order, limit: Int, objective: Objective) -> [TrialRecord] {
        switch sort {
        case .number: return Array(records.sorted { $0.number < $1.number }.suffix(limit))
        case .value:
            let sorted = records.sorted { left, right in
                let one = left.value ?? .nan, other = right.value ?? .nan
                if objective.isBetter(one, than: other) { return true }
                return !objective.isBetter(other, than: one) && left.number < right.number
            }
            return Array(sorted.prefix(limit))
        case .seconds:
            let sorted = records.sorted { (left: TrialRecord, right: TrialRecord) in
                let one = left.seconds ?? -1, other = right.seconds ?? -1
                return one != other ? one > other : left.number < right.number
            }
            return Array(sorted.prefix(limit))
        }
    }

    /// - Parameter isLive: whether a coordinator is at work; without one nothing runs, whatever was recorded last.
    static func lines(
        _ records: [TrialRecord], definition: SweepDefinition, isLive: Bool = true, width: Int?,
        showsParents: Bool = false
    ) -> [String] {
        guard !records.isEmpty else { return [] }
        let names = definition.space.variedNames
        let parents: [TextTable.Column] =
            showsParents ? [.init("continues", .right), .init("to step", .right)] : []
        var table = TextTable(
            [.init("trial", .right)] + parents + [
                .init("state"), .init(Format.printable(definition.objective.metric), .right),
                .init("step", .right), .init("time", .right), .init("a step", .right), .init("memory", .right),
            ] + names.map { .init(Format.printable($0), .right) })
        for record in records {
            let links =
                showsParents ? [record.parent.map(String.init) ?? "", record.untilStep.map { "\($0)" } ?? ""] : []
            table.add(
                ["\(record.number)"] + links + [
                    state(record, isLive: isLive), record.value.map { Format.number($0) } ?? "",
                    record.lastStep.map { "\($0)" } ?? "", record.seconds.map { Format.duration(seconds: $0) } ?? "",
                    record.secondsPerStep.map { Format.shortDuration($0) } ?? "",
                    record.peakMemoryBytes.map { Format.bytes($0) } ?? "",
                ] + names.map { record.configuration[$0].map { Format.value($0) } ?? "–" })
        }
        return table.lines(width: width, indent: "")
    }

    /// With who stopped or paused it, and what was found against one that went on.
    private static func state(_ record: TrialRecord, isLive: Bool) -> String {
        var state = record.state.isHeld && !isLive ? "interrupted" : record.state.rawValue
        var notes: [String] = []
        if let judgement = record.judgement {
            let verdict = judgement.verdict
            switch judgement.enforcement {
            case .stopped, .paused:
                if record.state == .stopped || record.state == .paused {
                    notes.append("\(verdict.rule.rawValue), step \(verdict.step)")
                }
            case .dryRun: notes.append("would \(verdict.action.rawValue) at step \(verdict.step)")
            case .control: notes.append("a control from step \(verdict.step)")
            }
        }
        if record.isInfeasible { state += ", infeasible" }
        if record.attempts > 1 { notes.append("\(record.attempts) attempts") }
        return state + (notes.isEmpty ? "" : " (\(notes.joined(separator: "; ")))")
    }
}

extension Trial.State {
    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

// SPDX-License-Identifier: MIT

import Coordinator
import SweepEngine
import SweepModel
import WorkerProtocol

/// A table that is drawn again in place: trials by state, best so far, time left, the newest trials.
struct LiveView: SweepView {
    let stream: Terminal.Stream
    private var header: SweepHeader?
    /// The lengths of the lines of the last frame.
    private var drawn: [Int] = []
    private var waiting: String?
    private var latest: SweepSnapshot?

    init(_ stream: Terminal.Stream) {
        self.stream = stream
    }

    mutating func begin(_ header: SweepHeader) {
        self.header = header
        Terminal.line(emphasized(header.line), to: stream)
        Terminal.line("  \(header.verb) in \(header.data)", to: stream)
    }

    mutating func update(_ snapshot: SweepSnapshot, news: [News]) {
        latest = snapshot
        for item in news {
            guard let header, isWorthALine(item.event),
                let line = NewsLine.text(item, definition: header.definition, snapshot: snapshot)
            else { continue }
            say(line)
        }
        draw()
    }

    mutating func say(_ text: String) {
        erase()
        let width = Terminal.size(stream).columns
        for line in ResultText.wrapped(text, width: width, first: "", rest: "  ") { Terminal.line(line, to: stream) }
        draw()
    }

    mutating func show(waiting text: String?) {
        waiting = text
    }

    mutating func end() {
        draw()
        drawn = []
        latest = nil
    }

    private func isWorthALine(_ event: Event) -> Bool {
        switch event {
        case .ended(_, _, .failed(_, _), _), .released, .readopted, .observed(_, _, .warning(_)), .workerLeft: true
        case .ended, .observed, .coordinatorStarted, .sweepCreated, .sweepRedefined, .sweepPaused, .sweepUnpaused,
            .sweepFinished, .spaceExhausted, .workerJoined, .proposed, .leased, .accepted, .stopRequested,
            .judged, .trialCancelled, .trialRetried, .asked, .told, .promoted, .retired, .checkpointDiscarded:
            false
        }
    }

    private mutating func erase() {
        Terminal.write(wiping(width: Terminal.size(stream).columns), to: stream)
        drawn = []
    }

    /// Back to the first line of the last frame: a terminal that became narrower has broken its lines, and the `^C` it
    /// shows has moved the cursor.
    private func wiping(width: Int) -> String {
        let rows = drawn.map { max(1, ($0 + width - 1) / width) }.reduce(0, +)
        return rows > 0 ? "\r\u{1B}[\(rows)A\u{1B}[J" : ""
    }

    private mutating func draw() {
        guard let header, let latest else { return }
        let size = Terminal.size(stream)
        let lines = LiveFrame(header: header, snapshot: latest, waiting: waiting, now: Clock.wall)
            .lines(width: size.columns, height: size.rows - 3)
        Terminal.write(wiping(width: size.columns) + lines.map { $0 + "\n" }.joined(), to: stream)
        drawn = lines.map(\.count)
    }

    private func emphasized(_ text: String) -> String {
        Terminal.usesColor(stream) ? "\u{1B}[1m\(text)\u{1B}[0m" : text
    }
}

/// The text of one frame: no more lines than the terminal has, none longer than it is wide.
struct LiveFrame {
    let header: SweepHeader
    let snapshot: SweepSnapshot
    let waiting: String?
    let now: Timestamp

    func lines(width: Int, height: Int) -> [String] {
        var lines = [progressLine(width: width), countsLine]
        if let best = snapshot.best {
            let name = Format.printable(header.definition.objective.metric)
            let names = Set(header.definition.space.variedNames)
            let varied = snapshot.bestConfiguration.map { Configuration($0.entries.filter { names.contains($0.name) }) }
            let configuration = varied.map { "  " + Format.configuration($0) } ?? ""
            lines.append("  best  \(name) \(Format.number(best.value))  trial \(best.trial)\(configuration)")
        } else {
            lines.append("  best  –")
        }
        if snapshot.isStoreFull { lines.append("  PAUSED: the disk is full; free some space and it goes on by itself") }
        if let waiting { lines.append("  \(waiting)") }
        let room = height - lines.count - 2
        if room > 0, !snapshot.rows.isEmpty {
            lines.append("")
            lines += table(rows: room).lines(width: width)
        }
        return lines.map { $0.count > width ? String($0.prefix(max(1, width - 1))) + "…" : $0 }
    }

    private func progressLine(width: Int) -> String {
        let done = snapshot.finished
        let time = "elapsed \(Format.duration(snapshot.elapsed))" + (remaining.map { " · about \($0) left" } ?? "")
        guard let total = snapshot.total, total > 0 else { return "  \(Format.plural(done, "trial")) done   \(time)" }
        let cells = max(10, min(30, width - 50))
        let full = min(cells, cells * done / total)
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: cells - full)
        return "  \(done)/\(total) \(bar) \(time)"
    }

    private var remaining: String? {
        snapshot.forecast(header.definition.limits, now: now)?.seconds.map { Format.duration(seconds: $0) }
    }

    private var countsLine: String {
        let counts = snapshot.own
        // What the user waits for, not how far ahead proposals are made.
        let waiting = snapshot.total.map { max(0, $0 - snapshot.finished - counts[.running] - counts[.paused]) }
        var parts = ["\(counts[.running]) running", "\(waiting ?? counts[.queued] + counts[.leased]) to come"]
        parts.append("\(counts[.completed]) completed")
        for state in [Trial.State.paused, .stopped, .failed, .cancelled] where counts[state] > 0 {
            parts.append("\(counts[state]) \(state.rawValue)")
        }
        let continued = snapshot.continued
        if continued.counted > 0 { parts.append("\(continued.done) of \(continued.counted) continued") }
        return "  " + parts.joined(separator: " · ")
    }

    private func table(rows limit: Int) -> TextTable {
        let names = header.definition.space.variedNames
        var table = TextTable(
            [
                .init("trial", .right), .init("state"), .init("step", .right),
                .init(Format.printable(header.definition.objective.metric), .right),
            ] + names.map { .init(Format.printable($0), .right) })
        for row in snapshot.rows.reversed().prefix(limit) {
            let values = names.map { row.configuration[$0].map(Format.value) ?? "" }
            let state = row.attempt > 1 ? "\(row.state.rawValue) (attempt \(row.attempt))" : row.state.rawValue
            let step = row.state.isOver ? "" : row.maximumStep.map { "\(row.step)/\($0)" } ?? "\(row.step)"
            table.add(["\(row.number)", state, step, row.value.map { Format.number($0) } ?? ""] + values)
        }
        return table
    }
}

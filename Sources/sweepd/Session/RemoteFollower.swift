// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import SweepEngine
import SweepModel

/// Follows a sweep on a daemon elsewhere, whose store cannot be read: asks how it stands, about once a second.
struct RemoteFollower {
    let client: OperatorClient
    let sweep: SweepID
    let isPlain: Bool
    let json: Bool

    /// How often it asks, and how long it bears a daemon that does not answer: one that restarts is back before.
    private static let interval: Double = 1
    private static let patience: Duration = .seconds(600)

    /// - Throws: `ExitStatus` by the sweep's end, as `run` does.
    func follow() throws {
        let stream: Terminal.Stream = json ? .error : .output
        var line = StandingLine(stream: stream, isLive: Terminal.isInteractive(stream) && !isPlain)
        let interrupts = Interrupts {}
        var silentSince: ContinuousClock.Instant?
        var last: RemoteStanding?
        while interrupts.number == 0 {
            do {
                let standing = try ask()
                (last, silentSince) = (standing, nil)
                line.show(standing.text)
                if standing.isOver {
                    line.end()
                    try tell(standing)
                    return
                }
            } catch let failure as OperatorClient.Failure {
                // What never answered is a mistake; what did may come back.
                let since = silentSince ?? .now
                guard last != nil, ContinuousClock.now - since < Self.patience else {
                    line.end()
                    throw failure
                }
                if silentSince == nil { line.say("\(failure); still trying") }
                silentSince = since
            }
            let next = ContinuousClock.now + .seconds(Self.interval)
            while interrupts.number == 0, ContinuousClock.now < next { Thread.sleep(forTimeInterval: 0.05) }
        }
        line.end()
        Terminal.line("no longer watched; the sweep goes on", to: stream)
        throw ExitStatus.interrupted
    }

    private func ask() throws -> RemoteStanding {
        let sweeps = try client.perform(.sweeps, timeout: .seconds(5))["sweeps"]?.arrayValue ?? []
        guard let json = sweeps.first(where: { $0["id"]?.integerValue == Int64(sweep.number) }),
            let standing = RemoteStanding(json)
        else { throw UserError("the daemon no longer knows the sweep") }
        return standing
    }

    private func tell(_ standing: RemoteStanding) throws {
        if json { Terminal.line(standing.document) }
        let status = standing.status
        guard case .finished = status else { throw status }
    }
}

/// How a sweep stands, as a daemon tells those who cannot read its store.
struct RemoteStanding: Hashable {
    let name: String
    /// "running", "paused" or "finished"
    let state: String
    /// Why it is paused or over; nil also from a daemon that does not tell.
    let reason: String?
    let done: Int
    let running: Int
    let total: Int?
    /// Those that count towards the total: what an addition is added to where there is none.
    let counted: Int?
    let best: Double?
    /// Why nothing of it runs although it could.
    let obstacle: String?

    init?(_ json: JSONValue) {
        func number(_ name: String) -> Int? { json[name]?.integerValue.flatMap { Int(exactly: $0) } }
        guard let name = json["name"]?.stringValue, let state = json["state"]?.stringValue, let done = number("done"),
            let running = number("running")
        else { return nil }
        self.name = name
        self.state = state
        self.done = done
        self.running = running
        reason = json["reason"]?.stringValue
        total = number("trials")
        counted = number("counted")
        best = json["best"]?.doubleValue
        obstacle = json["waits"]?.stringValue
    }

    /// Nothing more comes of it by itself.
    var isOver: Bool { running == 0 && (state == "finished" || (state == "paused" && reason == "failures")) }

    var text: String {
        var parts = [state, total.map { "\(done) of \($0) done" } ?? "\(Format.plural(done, "trial")) done"]
        switch (state, reason.flatMap(FinishReason.init)) {
        case ("finished", .cancelled?): parts[0] = "cancelled"
        case ("finished", .stopped?): parts[0] = "stopped"
        case ("finished", let reason?): parts[0] += reason.explanation.map { ", \($0)" } ?? ""
        case ("paused", _) where reason == "failures":
            parts[0] += ", because the first trials failed quickly and none succeeded"
        case (_, _): break
        }
        if running > 0 { parts.append("\(running) running") }
        parts.append("best " + (best.map { Format.number($0) } ?? "–"))
        if let obstacle { parts.append("waits: \(Format.printable(obstacle))") }
        return "\(Format.printable(name)): \(parts.joined(separator: " · "))"
    }

    var status: ExitStatus {
        if state == "paused" { return .noTrialCompleted }
        return best == nil ? .noTrialCompleted : .finished
    }

    var document: String {
        JSONOutput.text(
            "watch",
            [
                .init("sweep", .string(name)), .init("state", .string(state)),
                .init("reason", JSONOutput.string(reason)),
                .init("done", JSONOutput.integer(done)), .init("trials", JSONOutput.integer(total.map(Int64.init))),
                .init("best", JSONOutput.number(best)),
            ])
    }
}

/// One line that is written over on a terminal, and a line for each change elsewhere.
private struct StandingLine {
    let stream: Terminal.Stream
    let isLive: Bool
    private var shown: String?

    init(stream: Terminal.Stream, isLive: Bool) {
        self.stream = stream
        self.isLive = isLive
    }

    mutating func show(_ text: String) {
        guard text != shown else { return }
        shown = text
        guard isLive else {
            Terminal.line(text, to: stream)
            return
        }
        let width = Terminal.size(stream).columns
        let cut = text.count >= width ? String(text.prefix(max(1, width - 2))) + "…" : text
        Terminal.write("\r\u{1B}[K" + cut, to: stream)
    }

    /// A sentence that stays; what stood before it stays too.
    mutating func say(_ text: String) {
        end()
        Terminal.line(text, to: stream)
    }

    mutating func end() {
        if isLive, shown != nil { Terminal.line(to: stream) }
        shown = nil
    }
}

// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import WorkerProtocol

/// What comes from the child: output, reports.
extension Attempt {
    /// Reads the output pipe once.
    func readOutput(_ buffer: inout [UInt8]) -> [AttemptEvent] {
        guard !outputIsAtEnd else { return [] }
        let count = buffer.withUnsafeMutableBytes { read(child.output, $0.baseAddress, $0.count) }
        if count < 0, errno == EAGAIN || errno == EINTR { return [] }
        guard count > 0 else {
            outputIsAtEnd = true
            guard pattern != nil, let line = lines.finish() else { return [] }
            return scan(line)
        }
        let bytes = buffer[..<count]
        tail.append(bytes)
        var events: [AttemptEvent] = []
        if let note = log.append(bytes) { events += progress.warn("output", note) }
        if pattern != nil { events += lines.feed(bytes).flatMap { scan($0) } }
        return events
    }

    private func scan(_ line: LineSplitter.Line) -> [AttemptEvent] {
        switch line {
        case .tooLong:
            return progress.warn(
                "long output", "a printed line of more than \(MetricPattern.maximumLineBytes) bytes is not searched")
        case .complete(let bytes):
            var fault: String?
            let match = pattern?.match(bytes, fault: &fault)
            let warning = fault.map { progress.warn("pattern", $0) } ?? []
            guard let match else { return warning }
            return warning + progress.report(step: match.step, match.metrics, at: BootClock.seconds)
        }
    }

    func acceptConnections() {
        while connections.count < ReportListener.maximumConnections, let connection = listener.accept() {
            connections.append(connection)
        }
    }

    /// Reads a report connection once.
    func readReports(_ connection: ReportConnection, _ buffer: inout [UInt8]) -> [AttemptEvent] {
        let lines = connection.read(&buffer)
        // One that is at its end has to stay until they are taken, for their answers.
        connection.waitingLines += lines.count
        waitingLines += lines.map { (line: $0, connection: connection) }
        return takeLines()
    }

    /// What was reported is not all taken yet. Of one that is abandoned, nobody wants it.
    var awaitsLook: Bool { look != nil && termination != .abandoned }

    /// Goes on once the look at a checkpoint is over; nil where it is not, or there was none.
    func takeLooked(now: Instant) -> [AttemptEvent]? {
        guard let (look, report, connection) = look else { return nil }
        let isLink = look.isLink
        guard isLink != nil || now >= look.deadline else { return nil }
        self.look = nil
        connection.waitingLines -= 1
        if isLink == nil { storageIsSilent = true }
        let events = isLink == true ? refuse(Self.link(report), to: connection) : accept(report, from: connection)
        return events + takeLines()
    }

    /// Up to the next checkpoint that has to be looked at.
    private func takeLines() -> [AttemptEvent] {
        var events: [AttemptEvent] = []
        let lines = waitingLines
        waitingLines = []
        for (number, next) in lines.enumerated() {
            if look != nil {
                waitingLines = Array(lines[number...])
                break
            }
            next.connection.waitingLines -= 1
            events += take(next.line, from: next.connection)
        }
        return events
    }

    private func take(_ line: LineSplitter.Line, from connection: ReportConnection) -> [AttemptEvent] {
        do throws(ReportLine.Failure) {
            let report: ReportLine
            switch line {
            case .tooLong: throw ReportLine.tooLong
            case .complete(let bytes):
                if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0D }) { return [] }
                report = try ReportLine(bytes)
            }
            // What a link leads to may be another checkpoint tomorrow.
            if case .checkpoint(let checkpoint) = report.content, !storageIsSilent,
                case .path(let path)? = CheckpointLocation(checkpoint.location)
            {
                look = (startLook(path), report, connection)
                connection.waitingLines += 1
                return []
            }
            return accept(report, from: connection)
        } catch {
            return refuse(error, to: connection)
        }
    }

    private static func link(_ report: ReportLine) -> ReportLine.Failure {
        var path = ""
        if case .checkpoint(let checkpoint) = report.content { path = checkpoint.location }
        return ReportLine.Failure(
            kind: .badCheckpoint, message: "a checkpoint's path must name its folder, and '\(path)' is a link",
            id: report.id)
    }

    private func refuse(_ failure: ReportLine.Failure, to connection: ReportConnection) -> [AttemptEvent] {
        var answer: [JSONValue.Member] = [.init("type", .string("error"))]
        if let id = failure.id { answer.append(.init("id", id)) }
        connection.send(answer + [.init("message", .string(failure.message))])
        return progress.warn(failure.kind.rawValue, failure.message)
    }

    private func accept(_ report: ReportLine, from connection: ReportConnection) -> [AttemptEvent] {
        if let id = report.id { connection.promise(id) }
        return take(report, from: connection)
    }

    private func take(_ report: ReportLine, from connection: ReportConnection) -> [AttemptEvent] {
        switch report.content {
        case .hello:
            connection.followsAlong = true
            // It connected after it was asked to stop: it has what is left of its grace time.
            tellToStop(connection)
            return []
        case .report(let step, let metrics): return progress.report(step: step, metrics, at: BootClock.seconds)
        case .checkpoint(let checkpoint): return [.checkpoint(checkpoint)]
        }
    }

    /// Nothing more can come, or the time for it is up.
    func isDrained(now: Instant) -> Bool {
        guard case .draining(_, let since) = phase, !awaitsLook else { return false }
        if awaitsSharedSignal { return now >= since + Self.sharedSignalLimit }
        return (outputIsAtEnd && connections.allSatisfy(\.isAtEnd)) || now >= since + Self.drainLimit
    }

    /// The last event; nil for an attempt that is abandoned, or handed back by the worker's goodbye.
    func conclude() -> AttemptEvent? {
        guard case .draining(let exit, _) = phase else { return nil }
        phase = .over
        let peak = max(exit.peakMemory ?? 0, peakMemory)
        let resources = Resources(
            seconds: BootClock.seconds - startedAt, secondsPerStep: progress.secondsPerStep,
            peakMemoryBytes: peak > 0 ? peak : nil)
        return AttemptVerdict(
            objective: lease.objective, progress: progress, isResumed: lease.resume != nil, termination: termination,
            exit: exit, processID: child.id, tail: tail.text, resources: resources, memoryLimit: lease.memoryLimit
        ).event
    }
}

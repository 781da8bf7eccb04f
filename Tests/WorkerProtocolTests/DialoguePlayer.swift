// SPDX-License-Identifier: MIT

import SweepModel
import WorkerProtocol

/// Plays a dialogue of `Workers/Conformance/dialogues.json` with the session, on a clock that the dialogue sets.
///
/// `Workers/Conformance/README.md` lays down what the steps mean; `Workers/Python/tests/dialogue.py` does the same.
struct DialoguePlayer {
    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// Beats are nothing where none is expected.
    private struct Said {
        let at: Int64
        let message: JSONValue
        var isBeat: Bool { message["t"] == .string("beat") }
    }

    private var session: WorkerSession
    private var now: Int64 = 0
    private var said: [Said] = []
    private var asked: [(at: Int64, what: JSONValue)] = []
    /// It has asked for another connection, and has none meanwhile.
    private var isCutOff = true

    init(_ dialogue: JSONValue) {
        let given = dialogue["offer"]
        let offer = WorkerOffer(
            labels: given?["labels"]?.arrayValue?.compactMap(\.stringValue) ?? [],
            tasks: (given?["tasks"]?.objectValue ?? []).map {
                WorkerOffer.Task(name: $0.name, digest: $0.value.stringValue ?? "")
            },
            runsCommands: given?["commands"]?.boolValue ?? true, hasFunction: given?["function"]?.boolValue ?? true)
        session = WorkerSession(
            hello: Hello(boot: Samples.boot, agent: "player", host: "here", processID: 1, slots: 2, offer: offer))
    }

    /// Throws a `Failure` that names the step.
    mutating func play(_ steps: [JSONValue]) throws {
        for (number, step) in steps.enumerated() {
            do {
                try take(step)
            } catch {
                throw Failure("step \(number), \(step.text.prefix(200)): \(error)")
            }
        }
        try nothingElse()
    }

    private mutating func take(_ step: JSONValue) throws {
        let at = try integer(step["at_ms"])
        if let pattern = step["expects"] {
            let until = try at + (step["within_ms"] == nil ? 0 : integer(step["within_ms"]))
            return try expect(pattern, from: at, until: until)
        }
        try pass(until: at)
        if let wanted = step["asks"] {
            guard let first = asked.first else { throw Failure("nothing was asked") }
            asked.removeFirst()
            guard first.at == at, matches(first.what, wanted) else { throw Failure("asked \(first.what.text)") }
            return
        }
        try nothingElse()
        if step["connect"] != nil {
            isCutOff = false
            take(session.connected(now: instant))
        } else if let message = step["receives"] {
            take(session.received(try MessageCodec.decodeCoordinatorMessage(frames(message.text)), now: instant))
        } else if let event = step["event"] {
            let (fence, event) = try Self.event(event)
            let count = try step["times"] == nil ? 1 : integer(step["times"])
            take(session.record(Array(repeating: event, count: Int(count)), for: fence, now: instant))
        } else if let reason = step["leaves"]?.stringValue {
            take(session.leave(reason: reason, now: instant))
            isCutOff = true
        } else {
            try pass(until: at + integer(step["silence_ms"]))
            if let first = said.first { throw Failure("said \(first.message.text) at \(first.at)") }
            try nothingElse()
        }
        tick()
    }

    private mutating func expect(_ pattern: JSONValue, from at: Int64, until: Int64) throws {
        guard let events = pattern["events"]?.arrayValue else {
            let next = try next(until: until, wantsBeats: pattern["t"] == .string("beat"))
            guard next.at >= at, matches(next.message, pattern) else {
                throw Failure("said \(next.message.text) at \(next.at)")
            }
            return
        }
        let envelope = JSONValue.object((pattern.objectValue ?? []).filter { $0.name != "events" })
        var wanted = events[...]
        while !wanted.isEmpty {
            let next = try next(until: until, wantsBeats: false)
            let said = next.message["events"]?.arrayValue ?? []
            guard next.at >= at, matches(next.message, envelope), (1...100).contains(said.count),
                said.count <= wanted.count, zip(said, wanted).allSatisfy({ matches($0, $1) })
            else { throw Failure("said \(next.message.text.prefix(500)) at \(next.at)") }
            wanted = wanted.dropFirst(said.count)
        }
    }

    /// What is said next by then.
    private mutating func next(until: Int64, wantsBeats: Bool) throws -> Said {
        while true {
            while !said.isEmpty {
                let first = said.removeFirst()
                if wantsBeats || !first.isBeat { return first }
            }
            guard now < until else { throw Failure("nothing was said") }
            try pass(until: isCutOff ? until : min(until, max(now, session.nextDeadline.milliseconds)))
        }
    }

    private mutating func pass(until: Int64) throws {
        guard until >= now else { throw Failure("time runs backwards") }
        while !isCutOff, session.nextDeadline.milliseconds <= until {
            let due = session.nextDeadline
            now = max(now, due.milliseconds)
            tick()
            guard isCutOff || session.nextDeadline.milliseconds > due.milliseconds else {
                throw Failure("it is due again at once")
            }
        }
        now = until
        tick()
    }

    private mutating func tick() {
        if !isCutOff { take(session.tick(now: instant)) }
    }

    private mutating func nothingElse() throws {
        if let first = said.first(where: { !$0.isBeat }) { throw Failure("said \(first.message.text) at \(first.at)") }
        if let first = asked.first { throw Failure("asked \(first.what.text) at \(first.at)") }
        said.removeAll()
    }

    private mutating func take(_ effects: [WorkerEffect]) {
        for effect in effects {
            switch effect {
            case .send(let envelope):
                let bytes = MessageCodec.encode(envelope)[1]
                let message = (try? JSONValue.parse(bytes)) ?? .null
                said.append(Said(at: now, message: message))
            case .start(let lease): ask("start", Self.number(lease.fence))
            case .stop(let fence, let reason): ask("stop", Self.number(fence), .init("reason", .string(reason)))
            case .abandon(let fence, _): ask("abandon", Self.number(fence))
            case .drain(let isDraining): ask("drain", .bool(isDraining))
            case .refused(let refusal): ask("refused", .bool(true), .init("fatal", .bool(refusal.isFatal)))
            case .closed: break
            case .reconnect:
                isCutOff = true
                ask("reconnect", .bool(true))
            }
        }
    }

    private mutating func ask(_ name: String, _ value: JSONValue, _ more: JSONValue.Member...) {
        asked.append((now, .object([.init(name, value)] + more)))
    }

    private var instant: Instant { Instant(milliseconds: now) }

    private func integer(_ value: JSONValue?) throws -> Int64 {
        guard let integer = value?.integerValue else { throw Failure("no whole number") }
        return integer
    }

    /// As it travels: beyond 2^53 a string.
    private static func number(_ fence: Fence) -> JSONValue {
        abs(fence.number) > 1 << 53 ? .string(String(fence.number)) : .integer(fence.number)
    }

    /// Read by the codec, as part of a message.
    private static func event(_ event: JSONValue) throws -> (Fence, AttemptEvent) {
        let numbered = JSONValue.object((event.objectValue ?? []) + [.init("seq", .integer(1))])
        let message = JSONValue.object([
            .init("t", .string("events")), .init("s", .string("")), .init("e", .integer(0)),
            .init("events", .array([numbered])),
        ])
        guard case .events(let events) = try MessageCodec.decodeWorkerMessage(frames(message.text)).message,
            let first = events.first
        else { throw Failure("no event") }
        return (first.fence, first.event)
    }
}

/// Whether the value has all that the pattern has; lists have to have as many elements.
private func matches(_ value: JSONValue, _ pattern: JSONValue) -> Bool {
    switch (value, pattern) {
    case (.object, .object(let members)):
        members.allSatisfy { member in value[member.name].map { matches($0, member.value) } ?? false }
    case (.array(let values), .array(let patterns)):
        values.count == patterns.count && zip(values, patterns).allSatisfy { matches($0, $1) }
    default: value == pattern
    }
}

// SPDX-License-Identifier: MIT

import Keys
import SweepModel
import WorkerProtocol
import ZeroMQ

/// One worker with a key and a socket of its own and the real session; only its trials are played.
final class PlayedWorker {
    private let connection: ConnectionFile
    private let context: Context
    private let slots: Int
    private let script: Script
    private var session: WorkerSession
    private var socket: Socket
    private var trials: [PlayedTrial] = []
    /// When the last welcome came, and in which life of the coordinator; nil after the socket was opened anew.
    private(set) var welcome: (epoch: Int64, at: Instant)?

    /// How trials go.
    struct Script {
        /// Between two reports of one trial.
        var interval: Duration
        var reports: Int64
    }

    init(_ connection: ConnectionFile, slots: Int, script: Script, context: Context) throws {
        self.connection = connection
        self.context = context
        self.slots = slots
        self.script = script
        var generator = SystemRandomNumberGenerator()
        // The first bit is set, so that there are always 16 digits.
        let words: [UInt64] = [generator.next() | 1 << 63, generator.next() | 1 << 63]
        let boot = words.map { String($0, radix: 16) }.joined()
        session = WorkerSession(
            hello: Hello(
                boot: boot, agent: "load-campaign", host: connection.name, processID: 1, slots: slots,
                offer: WorkerOffer(runsCommands: false)))
        socket = try Self.connect(connection, context)
    }

    /// As the native worker's.
    private static func connect(_ connection: ConnectionFile, _ context: Context) throws -> Socket {
        var options = SocketOptions()
        options.security = .curveClient(server: connection.server, own: connection.own)
        options.keepAlive = SocketOptions.KeepAlive()
        options.immediate = true
        options.linger = .seconds(2)
        options.maximumMessageSize = 4 << 20
        options.limit = MessageLimit(frames: 4, bytes: 4 << 20)
        options.reconnectInterval = .milliseconds(100)
        options.maximumReconnectInterval = .seconds(5)
        options.connectTimeout = .seconds(10)
        options.heartbeatInterval = .seconds(5)
        options.heartbeatTimeout = .seconds(15)
        options.heartbeatTimeToLive = .seconds(15)
        var socket = try Socket(.dealer, in: context, options: options)
        try socket.connect(connection.endpoints[0])
        return socket
    }

    func begin(_ measurements: inout Measurements) {
        perform(session.connected(now: Clock.now), &measurements)
    }

    /// A new socket, as after a network's failure.
    func reconnect(_ measurements: inout Measurements) throws {
        socket = try Self.connect(connection, context)
        welcome = nil
        begin(&measurements)
    }

    /// Whatever is due; never waits.
    func turn(_ measurements: inout Measurements) throws {
        while let frames = try socket.receive() {
            guard let envelope = try? MessageCodec.decodeCoordinatorMessage(frames) else { continue }
            let now = Clock.now
            if case .welcome(let word) = envelope.message { welcome = (word.epoch, now) }
            perform(session.received(envelope, now: now), &measurements)
            look(now, &measurements)
        }
        let now = Clock.now
        for place in trials.indices where !trials[place].isOver && now >= trials[place].nextReport {
            advance(place, now, &measurements)
        }
        if now >= session.nextDeadline { perform(session.tick(now: now), &measurements) }
    }

    private func advance(_ place: Int, _ now: Instant, _ measurements: inout Measurements) {
        let lease = trials[place].lease
        var events: [AttemptEvent] = []
        if trials[place].recorded == 0 { events.append(.started(resumedFrom: nil)) }
        trials[place].step += 1
        let step = trials[place].step
        let value = PlayedTrial.value(trial: lease.trial, step: step)
        events.append(.report(step: step, metrics: [MetricValue(lease.objective.metric, value)]))
        trials[place].recorded += Int64(events.count)
        trials[place].waiting.append((trials[place].recorded, now, measurements.phase))
        measurements.reported()
        // The next is due by the clock, however late this one was.
        trials[place].nextReport = trials[place].nextReport + script.interval
        if step == script.reports {
            events.append(.finished(.completed, Resources(seconds: Double(step) * 1.25)))
            trials[place].recorded += 1
            trials[place].isOver = true
        }
        perform(session.record(events, for: lease.fence, now: now), &measurements)
    }

    /// Which reports have been acknowledged since.
    private func look(_ now: Instant, _ measurements: inout Measurements) {
        for place in trials.indices {
            guard let held = session.held(trials[place].lease.fence) else { continue }
            acknowledge(place, upTo: held.acknowledged, now, &measurements)
        }
    }

    private func acknowledge(_ place: Int, upTo sequence: Int64, _ now: Instant, _ measurements: inout Measurements) {
        trials[place].acknowledged = max(trials[place].acknowledged, sequence)
        while let first = trials[place].waiting.first, first.sequence <= sequence {
            measurements.acknowledged(after: now - first.at, in: first.phase)
            trials[place].waiting.removeFirst()
        }
    }

    private func perform(_ effects: [WorkerEffect], _ measurements: inout Measurements) {
        for effect in effects {
            switch effect {
            case .send(let envelope):
                if (try? socket.send(MessageCodec.encode(envelope))) != true {
                    session.notQueued(envelope, now: Clock.now)
                }
            case .start(let lease): start(lease, &measurements)
            case .stop(let fence, _):
                guard let place = place(of: fence), !trials[place].isOver else { continue }
                trials[place].isOver = true
                trials[place].recorded += 1
                perform(session.record(.finished(.stopped, Resources()), for: fence, now: Clock.now), &measurements)
            case .abandon(let fence, _): end(fence, as: "abandoned", &measurements)
            case .closed(let fence):
                guard let place = place(of: fence) else { continue }
                acknowledge(place, upTo: trials[place].recorded, Clock.now, &measurements)
                end(fence, as: "closed", &measurements)
            case .reconnect:
                measurements.reconnections += 1
                try? reconnect(&measurements)
            case .refused(let refusal): measurements.refusals.append(refusal.message)
            case .drain: break
            }
        }
    }

    private func start(_ lease: Lease, _ measurements: inout Measurements) {
        // One that has ended needs no slot, though its end is not acknowledged yet.
        if trials.count(where: { !$0.isOver }) >= slots { measurements.overbooked += 1 }
        // The first report comes at a time of its own, or all the workers of a start would speak at once.
        let offset = lease.fence.number * 7919 % max(1, script.interval.milliseconds)
        trials.append(PlayedTrial(lease: lease, nextReport: Clock.now + .milliseconds(offset)))
    }

    private func place(of fence: Fence) -> Int? { trials.firstIndex { $0.lease.fence == fence } }

    private func end(_ fence: Fence, as end: String, _ measurements: inout Measurements) {
        guard let place = place(of: fence) else { return }
        measurements.ended(trials.remove(at: place), as: end)
    }

    /// Says goodbye; what is still held is recorded as open.
    func leave(_ measurements: inout Measurements) {
        perform(session.leave(reason: "the campaign is over", now: Clock.now), &measurements)
        for trial in trials { measurements.ended(trial, as: "open") }
        trials = []
    }
}

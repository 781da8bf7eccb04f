// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// A worker whose trainings replay curves. It has no clock: whoever drives it says what time it is.
struct VirtualWorker {
    /// A training that replays its curve from where its lease begins.
    struct Training {
        let lease: Lease
        /// What is left of the curve as of the lease's checkpoint, to the lease's last step.
        let points: ArraySlice<CurveTable.Point>
        let began: Double
        var next: Int
        /// When the step that is being trained ends.
        var due: Double
        var isOutOfTime = false
        /// The last event's number.
        var sequence: Int64 = 0
        var lastStep: Int64
        var lastCheckpoint: Int64?
        /// How many steps more it trains although it is asked to stop.
        var stepsToStop: Int?
    }

    /// A step that ended.
    struct Step {
        let trial: Int
        let point: CurveTable.Point
        /// Steps trained since the report before, as budgets count them.
        let steps: Int64
    }

    static let identity = PeerIdentity(name: "virtual", isLocal: false)
    static let connection = Connection([1])

    let slots: Int
    let checkpointEvery: Int
    let latencySteps: Int
    private var session = ""
    /// By ascending fence: in the order in which they began.
    private(set) var trainings: [Training] = []

    init(slots: Int, checkpointEvery: Int, latencySteps: Int) {
        self.slots = slots
        self.checkpointEvery = checkpointEvery
        self.latencySteps = latencySteps
    }

    var hello: WorkerMessage {
        .hello(
            Hello(
                boot: "00000000000000000000000000000000", agent: "sweepd-simulate", host: "virtual", processID: 0,
                slots: slots))
    }

    /// All that it holds.
    var beat: WorkerMessage {
        .beat(
            leases: trainings.map {
                HeldLease(fence: $0.lease.fence, lastSequence: $0.sequence, acknowledged: $0.sequence)
            })
    }

    /// As it travels; `epoch` is the coordinator's.
    func envelope(_ message: WorkerMessage, epoch: Int64) -> Envelope<WorkerMessage> {
        Envelope(session: session, epoch: epoch, message: message)
    }

    /// The training whose step ends first, the older of equals.
    var next: (place: Int, due: Double)? {
        var found: (place: Int, due: Double)?
        for (place, training) in trainings.enumerated() {
            if let found, training.due >= found.due { continue }
            found = (place, training.due)
        }
        return found
    }

    /// Takes in what the coordinator says.
    ///
    /// - Parameter curve: the points that a lease's trial is to replay, of the whole curve.
    /// - Returns: the answers.
    mutating func receive(
        _ message: CoordinatorMessage, session: String, now: Double, curve: (Lease) -> ArraySlice<CurveTable.Point>
    ) -> [WorkerMessage] {
        switch message {
        case .welcome:
            self.session = session
            return []
        case .leases(let leases):
            return leases.flatMap { begin($0, now, curve($0)) }
        case .beat(let desired, _):
            return desired.flatMap { obey($0, now) }
        case .ack, .nack, .resync, .refusal:
            // Nothing is ever lost between them.
            return []
        }
    }

    private mutating func begin(
        _ lease: Lease, _ now: Double, _ points: ArraySlice<CurveTable.Point>
    ) -> [WorkerMessage] {
        let from = lease.resume?.step
        let left = points.drop { point in from.map { point.step <= $0 } ?? false }
        var training = Training(
            lease: lease, points: left, began: now, next: left.startIndex, due: now, lastStep: max(0, from ?? 0),
            lastCheckpoint: from)
        training.sequence = 1
        Self.schedule(&training, now)
        trainings.append(training)
        return [
            .accept(fence: lease.fence, parametersDigest: lease.parametersDigest),
            .events([SequencedEvent(fence: lease.fence, sequence: 1, event: .started(resumedFrom: from))]),
        ]
    }

    /// When the next step ends, or the trial's time does; at once when no step is left.
    private static func schedule(_ training: inout Training, _ now: Double) {
        training.due = now
        guard training.next < training.points.endIndex else { return }
        training.due += training.points[training.next].seconds
        guard let limit = training.lease.timeLimit else { return }
        let end = training.began + Double(limit.milliseconds) / 1000
        if training.due > end { (training.due, training.isOutOfTime) = (end, true) }
    }

    private mutating func obey(_ desired: DesiredLease, _ now: Double) -> [WorkerMessage] {
        guard let place = trainings.firstIndex(where: { $0.lease.fence == desired.fence }) else { return [] }
        switch desired.state {
        case .run: return []
        case .abandon:
            trainings.remove(at: place)
            return []
        case .stop:
            // Said again with every beat.
            if trainings[place].stepsToStop != nil { return [] }
            trainings[place].stepsToStop = latencySteps
            return latencySteps == 0 ? [stop(place, now)] : []
        }
    }

    private mutating func stop(_ place: Int, _ now: Double) -> WorkerMessage {
        var events: [AttemptEvent] = []
        let training = trainings[place]
        if checkpointEvery > 0, training.lastStep > training.lastCheckpoint ?? 0 {
            events.append(.checkpoint(Self.checkpoint(training.lease.trial, training.lastStep)))
        }
        return end(place, events, .finished(.stopped, Self.resources(training, now)))
    }

    private static func checkpoint(_ trial: Int, _ step: Int64) -> Checkpoint {
        Checkpoint(step: step, location: "virtual:/\(trial)/\(step)", digest: "", bytes: 0)
    }

    private static func resources(_ training: Training, _ now: Double) -> Resources {
        Resources(seconds: now - training.began)
    }

    private mutating func end(_ place: Int, _ events: [AttemptEvent], _ last: AttemptEvent) -> WorkerMessage {
        let message = say(events + [last], place)
        trainings.remove(at: place)
        return message
    }

    private mutating func say(_ events: [AttemptEvent], _ place: Int) -> WorkerMessage {
        let first = trainings[place].sequence + 1
        let fence = trainings[place].lease.fence
        trainings[place].sequence += Int64(events.count)
        return .events(
            events.enumerated().map {
                SequencedEvent(fence: fence, sequence: first + Int64($0.offset), event: $0.element)
            })
    }

    /// Brings the training to the end of its step: a report, or how it ended.
    mutating func advance(_ place: Int, now: Double) -> (message: WorkerMessage, step: Step?) {
        let training = trainings[place]
        if training.isOutOfTime {
            let failure = AttemptFailure(cause: .timeout, message: "it ran longer than the limit of a trial")
            return (end(place, [], .failed(failure, Self.resources(training, now))), nil)
        }
        guard training.next < training.points.endIndex else {
            return (end(place, [], .finished(.completed, Self.resources(training, now))), nil)
        }
        let point = training.points[training.next]
        let step = Step(trial: training.lease.trial, point: point, steps: max(0, point.step - training.lastStep))
        let metric = training.lease.objective.metric
        var events: [AttemptEvent] = [.report(step: point.step, metrics: [MetricValue(metric, point.value)])]
        // Counted from the curve's start, so that a training that goes on saves at the same steps.
        let count = training.next + 1
        if checkpointEvery > 0, count % checkpointEvery == 0 {
            events.append(.checkpoint(Self.checkpoint(training.lease.trial, point.step)))
            trainings[place].lastCheckpoint = point.step
        }
        trainings[place].next += 1
        trainings[place].lastStep = point.step
        if let left = training.stepsToStop {
            trainings[place].stepsToStop = left - 1
            if left <= 1 { return (end(place, events, .finished(.stopped, Self.resources(training, now))), step) }
        }
        let message = say(events, place)
        Self.schedule(&trainings[place], now)
        return (message, step)
    }
}

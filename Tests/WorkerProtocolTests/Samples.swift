// SPDX-License-Identifier: MIT

import SweepModel
import WorkerProtocol

/// One or more of every message, with every field set at least once and left out at least once.
enum Samples {
    static let boot = "0123456789abcdef0123456789abcdef"
    static let session = "3-4711-01234567-86400123"

    static let workerMessages: [(name: String, message: WorkerMessage)] = [
        ("hello", .hello(Hello(boot: boot, agent: "sweepd 1.0", host: "node-1", processID: 4711, slots: 4))),
        (
            "hello with leases",
            .hello(
                Hello(
                    versions: 1...2, boot: boot, agent: "sweepd-python 1.0", host: "Knoten-Ä", processID: 1, slots: 1,
                    prefetch: 2, running: [HeldLease(fence: Fence(7), lastSequence: 12, acknowledged: 10)]))
        ),
        ("beat", .beat(leases: [HeldLease(fence: Fence(7), lastSequence: 12, acknowledged: 10)])),
        ("beat without leases", .beat(leases: [])),
        ("accept", .accept(fence: Fence(7), parametersDigest: String(repeating: "0f", count: 32))),
        ("decline", .decline(fence: Fence(7), reason: "parameters changed in transit")),
        ("events", .events(events)),
        ("bye", .bye(reason: "Ctrl-C")),
    ]

    static let events: [SequencedEvent] = [
        (.started(resumedFrom: nil)),
        (.started(resumedFrom: 12)),
        (.report(step: 0, metrics: [MetricValue("loss", 0.25), MetricValue("accuracy", 1)])),
        (.report(
            step: 1,
            metrics: [
                MetricValue("loss", .nan), MetricValue("up", .infinity), MetricValue("down", -.infinity),
                MetricValue("tiny", .leastNonzeroMagnitude), MetricValue("zero", -0.0), MetricValue("quote\"\n", 1e300),
            ])),
        (.report(step: 9_007_199_254_740_993, metrics: [])),
        (.checkpoint(
            Checkpoint(
                step: 2, location: "/data/ck/2", digest: String(repeating: "ab", count: 32), bytes: 1 << 60))),
        (.warning("line 12 of the output is not UTF-8 – \u{1F600}")),
        (.finished(.completed, Resources(seconds: 12.5, secondsPerStep: 0.125, peakMemoryBytes: 1 << 30))),
        (.finished(.stopped, Resources())),
        (.failed(
            AttemptFailure(cause: .user, message: "exit code 3", exitCode: 3, tail: "Traceback\n  …\u{0}\u{7F}"),
            Resources(seconds: 1))),
        (.failed(AttemptFailure(cause: .infrastructure, message: ""), Resources())),
    ].enumerated().map { SequencedEvent(fence: Fence(7), sequence: Int64($0.offset + 1), event: $0.element) }

    static let coordinatorMessages: [(name: String, message: CoordinatorMessage)] = [
        (
            "welcome",
            .welcome(
                Welcome(
                    version: 1, session: session, epoch: 3, database: "6f1c", window: 256, heartbeat: .seconds(5),
                    desired: desired))
        ),
        ("leases", .leases([fullLease, plainLease])),
        ("ack", .ack([FenceSequence(Fence(7), 12), FenceSequence(Fence(8), 9_007_199_254_740_993)])),
        ("nack", .nack([FenceSequence(Fence(7), 11)])),
        ("beat", .beat(desired: desired, drain: false)),
        ("beat that drains", .beat(desired: [], drain: true)),
        ("resync", .resync),
        ("error", .refusal(Refusal(code: .unknownType, message: "unknown message type 'x'", isFatal: false))),
        ("fatal error", .refusal(Refusal(code: .version, message: "another release", isFatal: true))),
    ]

    static let desired = [
        DesiredLease(fence: Fence(7), state: .run, acknowledged: 10),
        DesiredLease(fence: Fence(8), state: .stop, reason: "the pruner", acknowledged: 0),
        DesiredLease(fence: Fence(9), state: .abandon, reason: "superseded", acknowledged: 0),
    ]

    static let configuration = Configuration([
        .init("lr", .number(0.001)), .init("whole", .number(1)), .init("layers", .integer(3)),
        .init("big", .integer(.max)), .init("name", .string("a\"b\\c\nä")), .init("flag", .bool(true)),
        .init("nothing", .null), .init("list", .array([.integer(1), .number(1), .array([])])),
        .init("map", .object([.init("z", .number(-0.0)), .init("a", .string(""))])),
    ])

    static let fullLease = Lease(
        fence: Fence(7), sweep: SweepID(1), sweepName: "digits", trial: 0, attempt: 2, configuration: configuration,
        parametersDigest: ParametersDigest.hex(of: configuration), seed: .max,
        objective: Objective(metric: "val_loss", goal: .maximize, summary: .last, target: 0.99), maximumStep: 20,
        command: ["python", "train.py", "${args}"], program: "train.py", workingDirectory: "/home/me/sweep",
        attemptDirectory: "/home/me/sweep/.sweepd/files/1/0/a7",
        resume: Checkpoint(step: 4, location: "/home/me/ck/4", digest: "", bytes: 0), timeLimit: .milliseconds(1500),
        memoryLimit: 1 << 31, grace: .seconds(10), metricPattern: #"loss=(?<loss>\S+)"#,
        fallbacks: [
            Checkpoint(step: 3, location: "/home/me/ck/3", digest: String(repeating: "0a", count: 32), bytes: 12),
            Checkpoint(step: 1, location: "s3://bucket/ck/1", digest: "", bytes: 0),
        ],
        checkpointDirectory: "/shared/digits/0/a7")

    static let plainLease = Lease(
        fence: Fence(8), sweep: SweepID(1), sweepName: "digits", trial: 1, attempt: 1,
        configuration: Configuration([]), parametersDigest: ParametersDigest.hex(of: Configuration([])), seed: 0,
        objective: Objective(metric: "loss"))

    static let workerEnvelopes = workerMessages.map { sample in
        let isHello = if case .hello = sample.message { true } else { false }
        return (sample.name, Envelope(session: isHello ? "" : session, epoch: isHello ? 0 : 3, message: sample.message))
    }

    static let coordinatorEnvelopes = coordinatorMessages.map {
        ($0.name, Envelope(session: session, epoch: 3, message: $0.message))
    }
}

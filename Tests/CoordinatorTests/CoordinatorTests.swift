// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import Logging
import SweepEngine
import SweepModel
import SweepStore
import Testing
import WorkerProtocol
import ZeroMQ

@Suite(.serialized, .timeLimit(.minutes(2))) struct CoordinatorTests {
    private let folder = NSTemporaryDirectory() + "/sweepd-coordinator-\(UInt32.random(in: .min ... .max))"
    private let context: Context

    init() throws {
        context = try Context()
    }

    private func start(servesAll: Bool = false) throws -> (coordinator: Coordinator, sweeps: [SweepSummary]) {
        var options = CoordinatorOptions(version: "test", logger: Logger(label: "test"))
        options.servesAll = servesAll
        let coordinator = try Coordinator(
            data: DataDirectory(folder), context: context, options: options, observer: Unobserved())
        return (coordinator, try coordinator.start())
    }

    private func definition(trials: Int, method: SweepDefinition.Method = .random) -> SweepDefinition {
        SweepDefinition(
            name: "parabola", method: method, objective: Objective(metric: "loss"),
            space: SearchSpace([Parameter("x", .real(law: .uniform(low: -1, high: 1), quantum: nil))]), trials: trials,
            seed: 7, command: ["true"])
    }

    private func launch(
        _ coordinator: Coordinator, trials: Int, method: SweepDefinition.Method = .random
    ) throws -> SweepID {
        let definition = definition(trials: trials, method: method)
        let entries = try coordinator.submit([.launch(definition, directory: folder)])
        guard case .sweepCreated(let sweep, _, _)? = entries.first?.event else {
            Issue.record("no sweep was created")
            throw CoordinatorEnded()
        }
        _ = try coordinator.submit([.activate(sweep)])
        return sweep
    }

    @Test func whatIsAcknowledgedIsInTheStore() throws {
        let (coordinator, _) = try start()
        let sweep = try launch(coordinator, trials: 12)
        var worker = try FakeWorker(endpoint: coordinator.runtime.workerEndpoint, context: context)
        let welcome = try worker.greet(slots: 3)
        #expect(welcome?.version == 2)
        let acknowledged = try worker.work(until: 12)
        #expect(acknowledged.count == 12)
        #expect(acknowledged.values.allSatisfy { $0 == 3 })
        // Read while the coordinator lives: the acknowledgement came after the commit.
        let reader = try StoreReader.open(directory: folder)
        let rows = try reader.trials(of: sweep)
        #expect(rows.count == 12)
        #expect(rows.allSatisfy { $0.state == .completed && $0.value != nil })
        coordinator.shutdown()
        #expect(coordinator.failure == nil)
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// A fit is made beside the looks, and what is ready is made anew when it is there: while a trial runs, the next comes
    /// to know a fit of all results before it.
    @Test func theNextProposalIsMadeWithTheNewestFit() throws {
        let (coordinator, _) = try start()
        let sweep = try launch(coordinator, trials: 12, method: .bayes)
        var worker = try FakeWorker(endpoint: coordinator.runtime.workerEndpoint, context: context)
        _ = try worker.greet()
        #expect(try worker.work(until: 12, pause: 0.3).count == 12)
        let reader = try StoreReader.open(directory: folder)
        let known = try (6..<12).map { number in
            try reader.basis(of: TrialID(sweep: sweep, number: number))?.fits.first?.results
        }
        // When trial 6 was taken, in the turn of trial 5's end, the fit of the five before had long been there.
        let expected = Array(5..<11).map(Optional.some)
        #expect(zip(known, expected).count { $0 == $1 } >= 4, "\(known)")
        coordinator.shutdown()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// What who cannot read the store needs to evaluate a trial, and to choose which are trained further.
    @Test func anAnswerTellsOfTheTrialAndTheBest() throws {
        let (coordinator, _) = try start()
        let sweep = try launch(coordinator, trials: 4)
        for (number, value) in [0.5, 0.25, .nan].enumerated() {
            var asked: JSONValue?
            while asked == nil {
                do throws(any Error) {
                    asked = try coordinator.perform(.ask(sweep))
                } catch OperatorClient.Failure.notYet(_) {
                    Thread.sleep(forTimeInterval: 0.01)
                }
            }
            #expect(asked?["trial"]?.integerValue == Int64(number) && asked?["state"] == .string("running"))
            #expect(asked?["parameters"]?["x"]?.doubleValue != nil && asked?["seed"]?.integerValue != nil)
            let told = try coordinator.perform(.tell(TrialID(sweep: sweep, number: number), value: value))
            #expect(told["state"] == .string(value.isNaN ? "failed" : "completed"))
            #expect(told["value"]?.doubleValue == (value.isNaN ? nil : value))
        }
        func best(_ count: Int) throws -> [Int64?] {
            try coordinator.perform(.best(sweep, count: count))["trials"]?.arrayValue?.map { $0["trial"]?.integerValue }
                ?? []
        }
        #expect(try best(9) == [1, 0])
        #expect(try best(1) == [1])
        let trial = try coordinator.perform(.trial(TrialID(sweep: sweep, number: 1)))
        #expect(trial["checkpoint_step"] == .null && trial["continued_by"] == .array([]) && trial["parent"] == .null)
        #expect(throws: OperatorClient.Failure.self) {
            try coordinator.perform(.trial(TrialID(sweep: sweep, number: 9)))
        }
        coordinator.shutdown()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test func whatIsOfferedToAWorkerThatIsGoneSoonGoesToAnother() throws {
        let (coordinator, _) = try start()
        do {
            var gone = try FakeWorker(endpoint: coordinator.runtime.workerEndpoint, context: context)
            #expect(try gone.greet() != nil)
        }
        // Its socket's end reaches the coordinator's in a moment; it is no message, and so nobody is told.
        Thread.sleep(forTimeInterval: 0.3)
        var worker = try FakeWorker(endpoint: coordinator.runtime.workerEndpoint, context: context)
        #expect(try worker.greet(boot: "cd") != nil)
        let begun = ContinuousClock.now
        _ = try launch(coordinator, trials: 4)
        #expect(try worker.work(until: 4, within: .seconds(5)).count == 4)
        #expect(
            ContinuousClock.now - begun < CoordinatorOptions(version: "", logger: Logger(label: "")).timers.offerTimeout
        )
        coordinator.shutdown()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test func aRestartGoesOnToTheTotalWithTheSameConfigurations() throws {
        var (coordinator, _) = try start()
        let sweep = try launch(coordinator, trials: 10)
        var first = try FakeWorker(endpoint: coordinator.runtime.workerEndpoint, context: context)
        _ = try first.greet()
        _ = try first.work(until: 4)
        coordinator.shutdown()
        let sweeps: [SweepSummary]
        (coordinator, sweeps) = try start()
        #expect(sweeps.count == 1)
        _ = try coordinator.submit([.activate(sweep)])
        var second = try FakeWorker(endpoint: coordinator.runtime.workerEndpoint, context: context)
        _ = try second.greet()
        _ = try second.work(until: 10, within: .seconds(1))
        let reader = try StoreReader.open(directory: folder)
        let rows = try reader.trials(of: sweep)
        #expect(rows.count == 10)
        #expect(rows.allSatisfy { $0.state == .completed })
        #expect(Set(rows.map(\.configuration)).count == 10)
        coordinator.shutdown()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test func aSecondCoordinatorIsRefusedAndTheFirstUnharmed() throws {
        let (coordinator, _) = try start()
        #expect(throws: StoreError.self) { try start() }
        _ = try launch(coordinator, trials: 2)
        var worker = try FakeWorker(endpoint: coordinator.runtime.workerEndpoint, context: context)
        _ = try worker.greet()
        #expect(try worker.work(until: 2).count == 2)
        coordinator.shutdown()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test func malformedMessagesAreRefusedAndOthersServed() throws {
        let (coordinator, _) = try start()
        _ = try launch(coordinator, trials: 3)
        var hostile = try FakeWorker(endpoint: coordinator.runtime.workerEndpoint, context: context)
        let magic = Array(ProtocolLimits.magic.utf8)
        let messages: [[[UInt8]]] = [
            [[0]], [magic, Array("{".utf8)], [magic, Array(#"{"t":"dance"}"#.utf8)], [magic, [0xff]],
            [magic, magic, magic], [magic, [UInt8](repeating: 0x5b, count: 100_000)],
        ]
        for frames in messages {
            try hostile.sendRaw(frames)
            guard case .refusal(let refusal)? = try hostile.receive() else {
                Issue.record("no refusal of \(frames.map(\.count))")
                continue
            }
            #expect(!refusal.isFatal)
        }
        var worker = try FakeWorker(endpoint: coordinator.runtime.workerEndpoint, context: context)
        _ = try worker.greet()
        #expect(try worker.work(until: 3).count == 3)
        coordinator.shutdown()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test func aWorkerOfAnotherVersionIsToldWhatToDo() throws {
        let (coordinator, _) = try start()
        var worker = try FakeWorker(endpoint: coordinator.runtime.workerEndpoint, context: context)
        try worker.send(
            .hello(
                Hello(
                    versions: 7...9, boot: String(repeating: "0", count: 32), agent: "future/9", host: "h",
                    processID: 1, slots: 1)))
        guard case .refusal(let refusal)? = try worker.receive() else {
            Issue.record("no refusal")
            return
        }
        #expect(refusal.code == .version && refusal.isFatal)
        #expect(refusal.message.contains("7 to 9"))
        coordinator.shutdown()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test func anOperatorSteersALiveCoordinator() throws {
        let (coordinator, _) = try start()
        let sweep = try launch(coordinator, trials: 2)
        let endpoint = try #require(EndpointFile(reading: DataDirectory(folder).endpointFile))
        let client = OperatorClient(endpoint: endpoint, context: context)
        try client.ask(.ping)
        try client.ask(.extend(sweep, total: 5))
        #expect(throws: OperatorClient.Failure.self) { try client.ask(.extend(sweep, total: -1)) }
        #expect(throws: OperatorClient.Failure.self) { try client.ask(.cancel(SweepID(99))) }
        var worker = try FakeWorker(endpoint: coordinator.runtime.workerEndpoint, context: context)
        _ = try worker.greet()
        #expect(try worker.work(until: 5).count == 5)
        coordinator.shutdown()
        #expect(EndpointFile(reading: DataDirectory(folder).endpointFile) == nil)
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test func aWorkerOfThisMachineIsDrainedByItsShownName() throws {
        let (coordinator, _) = try start()
        var worker = try FakeWorker(endpoint: coordinator.runtime.workerEndpoint, context: context)
        _ = try worker.greet()
        func state() throws -> JSONValue? { try coordinator.perform(.workers)["workers"]?.arrayValue?.first?["state"] }
        for name in ["local \(getpid())", "\(getpid())"] {
            _ = try coordinator.perform(.drain(worker: name, isWanted: true))
            #expect(try state() == .string("draining"))
            _ = try coordinator.perform(.drain(worker: name, isWanted: false))
            #expect(try state() == .string("attached"))
        }
        #expect(throws: OperatorClient.Failure.self) {
            try coordinator.perform(.drain(worker: "local 0", isWanted: true))
        }
        // It was there all the time.
        _ = try worker.receive(within: .milliseconds(1))
        coordinator.shutdown()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test func anOperatorMayLaunchWhatFitsIntoAMessage() throws {
        let (coordinator, _) = try start(servesAll: true)
        let endpoint = try #require(EndpointFile(reading: DataDirectory(folder).endpointFile))
        let client = OperatorClient(endpoint: endpoint, context: context)
        func launch(kibibytes: Int) throws {
            var definition = definition(trials: 1)
            definition.command = Array(repeating: String(repeating: "x", count: 1 << 10), count: kibibytes)
            try client.ask(.launch(definition: definition.canonicalText, directory: folder))
        }
        try launch(kibibytes: 200)
        do {
            try launch(kibibytes: 1024)
            Issue.record("it was sent")
        } catch OperatorClient.Failure.refused(let reason) {
            #expect(reason.contains("and a coordinator takes at most 1024 KiB"), "\(reason)")
        }
        try client.ask(.ping)
        coordinator.shutdown()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

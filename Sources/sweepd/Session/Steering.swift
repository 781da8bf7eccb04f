// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import Logging
import SearchAlgorithms
import SweepEngine
import SweepModel
import SweepStore
import ZeroMQ

/// Steers a sweep from outside its process: asks the live coordinator; where there is none, becomes it for a moment.
struct Steering {
    let location: DataDirectory
    let allowsUnsafeFileSystem: Bool

    /// How long to wait for the next proposal, which needs a fit of the model at most.
    static let patience: Duration = .seconds(600)

    /// - Returns: the number of the trial that was handed out, if one was.
    @discardableResult
    func perform(_ request: OperatorRequest) throws -> Int? {
        try answer(to: request)["trial"]?.integerValue.flatMap { Int(exactly: $0) }
    }

    /// - Returns: what the coordinator answers.
    func answer(to request: OperatorRequest) throws -> JSONValue {
        let context = try Context()
        return try patiently {
            if let endpoint = EndpointFile(reading: location.endpointFile) {
                do {
                    return try OperatorClient(endpoint: endpoint, context: context).perform(request)
                } catch OperatorClient.Failure.notLive {
                    // Killed, or gone since: the lock decides who may write.
                }
            }
            return try become(context, for: request)
        }
    }

    /// Takes the lock, does what is asked, and gives it back.
    private func become(_ context: Context, for request: OperatorRequest) throws -> JSONValue {
        try withCoordinator(context) { coordinator in
            if case .ask(let sweep) = request { _ = try coordinator.submit([.activate(sweep)]) }
            return try patiently { try coordinator.perform(request) }
        }
    }

    /// Makes a sweep of a definition; nobody may be at work in the directory.
    func launch(_ source: SweepSource) throws {
        try withCoordinator(try Context()) { coordinator in
            _ = try coordinator.submit([.launch(source.definition.withChoicesMade, directory: source.directory)])
        }
    }

    private func withCoordinator<Result>(_ context: Context, _ body: (Coordinator) throws -> Result) throws -> Result {
        var options = CoordinatorOptions(
            version: Version.text, logger: Logger(label: "sweepd") { _ in SwiftLogNoOpLogHandler() })
        options.allowsUnsafeFileSystem = allowsUnsafeFileSystem
        let coordinator = try Coordinator(data: location, context: context, options: options, observer: NobodyWatches())
        _ = try coordinator.start()
        defer { coordinator.shutdown() }
        return try body(coordinator)
    }

    /// Repeats what is not ready yet, or what another such command has the lock for.
    private func patiently<Result>(_ body: () throws -> Result) throws -> Result {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            do {
                return try body()
            } catch let error where Self.isNotYet(error) && ContinuousClock.now < deadline {
                Thread.sleep(forTimeInterval: 0.01)
            }
        }
    }

    private static func isNotYet(_ error: any Error) -> Bool {
        if case .nothingReady? = error as? EngineError { return true }
        if case .notYet? = error as? OperatorClient.Failure { return true }
        if case .locked? = error as? StoreError { return true }
        return false
    }
}

/// For a coordinator that only does what one command asks.
private struct NobodyWatches: CoordinatorObserver {
    func committed(_ entries: [JournalEntry], engine: borrowing Engine) {}
    func storeIsFull(_ isFull: Bool) {}
}

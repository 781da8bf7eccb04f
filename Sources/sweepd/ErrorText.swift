// SPDX-License-Identifier: MIT

import Coordinator
import Keys
import SearchAlgorithms
import SweepEngine
import SweepStore
import WorkerAgent
import ZeroMQ

/// The one translation of the modules' errors to text and exit code.
enum ErrorText {
    /// nil for errors of the argument parser, which renders its own.
    static func of(_ error: any Error) -> UserError? {
        switch error {
        case let error as UserError: error
        case let error as StoreError: UserError("\(error)", status: error.isUsers ? .badInput : .internalError)
        case let error as EngineError: UserError("\(error)")
        case let error as SamplerError: UserError("\(error)")
        case let error as OperatorClient.Failure: UserError("\(error)")
        case let error as RuntimeDirectory.Failure: UserError("\(error)")
        case let error as Endpoint.Malformed: UserError(error.description)
        case let error as SecretFile.Failure: UserError("\(error)")
        case let error as JoinToken.Malformed: UserError("\(error)")
        case let error as Enrolment.Failure: UserError("\(error)")
        case let error as SelfTest.Failure:
            UserError(
                "the network's socket does not refuse strangers as it must (\(error)): nothing is served",
                status: .internalError)
        case let error as NetworkLost:
            UserError(
                "the network is lost (\(error)); everything acknowledged is on disk: start the daemon again",
                status: .internalError)
        case let error as GPUSelection.Failure: UserError("\(error)")
        case let error as ProcessGuard.Failure: UserError("\(error)", status: .internalError)
        case let error as ZMQError: UserError("ZeroMQ: \(error)", status: .internalError)
        case is CancellationError: UserError("interrupted before anything was started", status: .interrupted)
        case let error as WorkerAgent.Failure: UserError("\(error)", status: .internalError)
        case let error as CoordinatorEnded: UserError("\(error)", status: .internalError)
        default: nil
        }
    }

    /// The error of a daemon, which a service manager starts again unless its input is bad: a full disk is not.
    static func ofDaemon(_ error: any Error) -> any Error {
        guard let error = error as? StoreError, error.isPassing else { return error }
        return UserError("\(error)", status: .internalError)
    }
}

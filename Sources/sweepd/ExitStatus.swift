// SPDX-License-Identifier: MIT

/// What the process's exit code says.
enum ExitStatus: Int32, Error {
    case finished = 0
    /// Our fault.
    case internalError = 1
    case badInput = 2
    case noTrialCompleted = 3
    /// Interrupted, resumable.
    case interrupted = 130
}

/// An error with the text the user sees and the exit code it leads to: the one translation from errors to both.
struct UserError: Error {
    let message: String
    let status: ExitStatus

    init(_ message: String, status: ExitStatus = .badInput) {
        self.message = message
        self.status = status
    }
}

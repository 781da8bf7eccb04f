// SPDX-License-Identifier: MIT

import Keys
import SweepEngine
package import SweepModel

/// What a command asks of a live coordinator. One JSON object each way; over ipc the peer is the owner by the socket's
/// directory and by the kernel's word on its uid, over TCP it is who holds an operator's key.
package enum OperatorRequest: Hashable, Sendable {
    case ping
    /// The sweeps at work here; answered with `sweeps`.
    case sweeps
    /// The workers attached, and the keys that may come in; answered with `workers` and `keys`.
    case workers
    /// How a trial stands; answered with what it is, was given and left.
    case trial(TrialID)
    /// The trials that `promote` takes up, best first and at most so many; answered with `trials`.
    case best(SweepID, count: Int)
    /// A definition as canonical text, and the folder its commands run in.
    case launch(definition: String, directory: String)
    case extend(SweepID, total: Int)
    case cancel(SweepID)
    case cancelTrial(TrialID)
    case pause(SweepID)
    case unpause(SweepID)
    case stop(SweepID)
    case stopTrial(TrialID)
    case retry(TrialID)
    /// All failed trials of a sweep.
    case retryFailed(SweepID)
    case enqueue(SweepID, Configuration)
    /// Answered with the trial, or with a word to ask again.
    case ask(SweepID)
    /// nil: it failed.
    case tell(TrialID, value: Double?)
    /// A trial that is over is trained by so many steps more; answered with the new trial.
    case continueTrial(TrialID, steps: Int64)
    /// Nothing new begins, or again; on one worker or at all.
    case drain(worker: String?, isWanted: Bool)
    /// Answered with a token.
    case invite(Invitation)
    /// The name of a key; answered with how many were revoked.
    case revoke(String)

    package struct Invitation: Hashable, Sendable {
        package var isOperator = false
        package var name: String?
        package var uses = 1
        package var lifetime: Duration = .seconds(3600)
        package init() {}
    }

    package static let magic = "sweepd-operator/1"

    package struct Malformed: Error, CustomStringConvertible {
        package let description: String
    }

    typealias Parsed = Result<OperatorRequest, Malformed>

    static func parse(_ bytes: [UInt8]) -> Parsed {
        do throws(JSONError) {
            let json = try JSONValue.parse(bytes)
            do throws(Malformed) {
                return .success(try OperatorRequest(json: json))
            } catch {
                return .failure(error)
            }
        } catch {
            return .failure(Malformed(description: "\(error)"))
        }
    }
}

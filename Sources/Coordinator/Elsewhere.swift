// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// What an operator of another machine may ask for, and the label that tells workers of other machines from the daemon's.
///
/// A command that comes in by an operator's key would run as the daemon's user on its own workers, which allow every
/// command. So it is kept to workers of other machines, which said themselves what they run. The label that does so is a
/// part of the sweep's definition: it holds after a restart with other options, too.
extension OperatorRequest {
    /// The request as it is taken from another machine; what is refused is answered with the reason.
    ///
    /// - Parameter allowsCommands: whether commands may run on the daemon's own workers.
    func fromElsewhere(allowsCommands: Bool) throws(Malformed) -> OperatorRequest {
        switch self {
        case .invite, .revoke:
            throw Malformed(description: "keys are given and taken on the daemon's machine only, by its own user")
        case .launch(let text, let directory):
            // What cannot be read is told by whoever launches it.
            guard !allowsCommands,
                var definition = try? SweepFile.parse(
                    text, file: "the definition", overrides: SweepFile.Overrides()
                ).definition, !definition.command.isEmpty, !definition.placement.requires.contains(Placement.elsewhere)
            else { return self }
            definition.placement.requires.append(Placement.elsewhere)
            return .launch(definition: definition.canonicalText, directory: directory)
        case .ping, .sweeps, .workers, .trial, .best, .extend, .cancel, .cancelTrial, .pause, .unpause, .stop,
            .stopTrial, .retry,
            .retryFailed, .enqueue, .ask, .tell, .continueTrial, .drain:
            return self
        }
    }
}

extension Arrival {
    /// With the label where it is due, and nowhere else: who a worker is it does not say itself.
    var labelled: Arrival {
        guard case .message(let connection, let identity, let envelope) = self,
            case .hello(var hello) = envelope.message
        else { return self }
        hello.offer.labels.removeAll { $0 == Placement.elsewhere }
        if identity.key != nil { hello.offer.labels.append(Placement.elsewhere) }
        return .message(
            connection, identity, Envelope(session: envelope.session, epoch: envelope.epoch, message: .hello(hello)))
    }
}

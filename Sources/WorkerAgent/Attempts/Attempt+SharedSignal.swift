// SPDX-License-Identifier: MIT

/// Slurm and systemd send SIGTERM to a worker and to its children at once, and a child may be dead of it before the
/// worker has seen its own: that is the worker's end and no fault of the script.
extension Attempt {
    /// A child that died of a SIGTERM which nobody here sent is not judged before the worker's own had time to come.
    static let sharedSignalLimit = Duration.seconds(2)

    /// Whether it ended in that way, and may yet turn out to be handed back.
    var awaitsSharedSignal: Bool {
        guard case .draining(let exit, _) = phase, termination == nil else { return false }
        return switch exit.kind {
        case .signal(let signal): signal == SignalName.terminate
        // What a shell makes of a command's end by it.
        case .code(let code): code == 128 + Int(SignalName.terminate)
        }
    }
}

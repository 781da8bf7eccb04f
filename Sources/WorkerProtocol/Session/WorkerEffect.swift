// SPDX-License-Identifier: MIT

package import SweepModel

/// What the worker's session asks of the agent around it, to be done in order.
package enum WorkerEffect: Hashable, Sendable {
    /// A message that cannot be queued may be dropped; see `WorkerSession.notQueued(_:now:)`.
    case send(Envelope<WorkerMessage>)
    /// Accepted: run it, when a slot is free.
    case start(Lease)
    /// End it with a last checkpoint, and record how it ended. Said once.
    case stop(Fence, reason: String)
    /// Kill it. What is recorded for it from now on is dropped.
    case abandon(Fence, reason: String)
    /// Nothing is heard any more: close the socket, open a new one, say `connected`.
    case reconnect
    /// Whether to begin nothing new. Said when it changes.
    case drain(Bool)
    /// For the log and the user. After a fatal one the session is silent for a minute.
    case refused(Refusal)
    /// The last event is durable; the lease is forgotten.
    case closed(Fence)
}

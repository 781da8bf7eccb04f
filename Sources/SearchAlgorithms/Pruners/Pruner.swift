// SPDX-License-Identifier: MIT

package import SweepModel

/// A rule that stops trials early. It is told of every report and every end in the order of the journal, and its verdicts
/// are a function of that order alone.
///
/// Losses are values with their sign such that less is better. A trial may rewind to a checkpoint and report steps again:
/// what was recorded at a rung stays, and a verdict that was passed is not passed again for the same rung.
package protocol Pruner: Hashable, Sendable {
    /// Judges a trial by the newest point of its curve, which is finite.
    ///
    /// - Parameter trial: its number in the sweep.
    /// - Returns: nil when it goes on.
    mutating func judge(_ trial: Int, _ curve: LearningCurve) -> Verdict?

    /// The trial is over, or its result is known otherwise.
    ///
    /// - Parameter isCompleted: whether it trained to its end, unstopped.
    mutating func conclude(_ trial: Int, _ curve: LearningCurve, isCompleted: Bool)

    /// The paused trial that has earned to go on, best first; nil when there is none. It is no longer paused afterwards.
    mutating func promote() -> Int?
}

extension Pruner {
    package mutating func promote() -> Int? { nil }
}

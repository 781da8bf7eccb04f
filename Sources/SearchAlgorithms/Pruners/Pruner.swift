// SPDX-License-Identifier: MIT

package import SweepModel

/// A rule that stops trials early. It is told of every report and every end in the order of the journal, and its verdicts
/// are a function of that order alone.
///
/// Losses are values with their sign such that less is better. A trial may rewind to a checkpoint and report steps again:
/// what was recorded at a rung stays, and a verdict that was passed is not passed again for the same rung. A condemned
/// trial may go on all the same, as a control or because the rule is on trial itself; its reports count like any other's.
package protocol Pruner: Hashable, Sendable {
    /// Judges a trial by the newest point of its curve, which is finite.
    ///
    /// - Parameter trial: its number in the sweep.
    /// - Returns: nil when it goes on.
    mutating func judge(_ trial: Int, _ curve: LearningCurve) -> Verdict?

    /// The trial is over, or its result is known otherwise.
    mutating func conclude(_ trial: Int, _ curve: LearningCurve, _ end: CurveEnd)

    /// The paused trial that has earned to go on, best first; nil when there is none.
    ///
    /// - Parameter isPaused: whether a trial that was condemned to pause has done so and still waits.
    func promotable(_ isPaused: (Int) -> Bool) -> Int?

    /// The trial goes on; it is no longer held for what made it pause.
    mutating func promote(_ trial: Int)
}

/// How a trial's curve came to its end.
package enum CurveEnd: Hashable, Sendable {
    /// It trained to its end, unstopped.
    case completed
    case stopped
    /// It failed, diverged or was cancelled: no other is measured by it.
    case void
}

extension Pruner {
    package func promotable(_ isPaused: (Int) -> Bool) -> Int? { nil }
    package mutating func promote(_ trial: Int) {}
}

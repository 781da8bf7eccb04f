// SPDX-License-Identifier: MIT

import Randomness
package import SweepModel

/// Hyperband without its rounds: each trial belongs to one of several brackets, and each bracket is an asynchronous
/// successive halving of its own, the next beginning one rung later. Where early values mislead, trials of the later
/// brackets are safe from them; the last bracket trains to the end unjudged.
///
/// Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar: "Hyperband", JMLR 18 (2018), for the sizes of the brackets; the
/// drawing of a trial's bracket as in Syne Tune.
package struct AsyncHyperband: Pruner {
    private let seed: UInt64
    /// Of each bracket the probability that a trial is in it or one before.
    private let cumulative: [Double]
    private(set) var brackets: [SuccessiveHalving]

    /// - Parameter seed: of the sweep; a trial's bracket is a function of it and of the trial's number.
    package init(_ rungs: EarlyTermination.Rungs, seed: UInt64) {
        self.seed = seed
        let steps = RungLadder(rungs).steps
        let sizes = Self.sizes(rungs: steps.count, eta: rungs.eta, isBounded: rungs.maximumStep != nil)
        let total = sizes.reduce(0, +)
        var sum = 0.0
        cumulative = sizes.map { size in
            sum += size
            return sum / total
        }
        brackets = sizes.indices.map { bracket in
            SuccessiveHalving(
                steps: Array(steps.dropFirst(bracket)), eta: rungs.eta, .stopping,
                SuccessiveHalving.Label(rule: .asyncHyperband, bracket: bracket))
        }
    }

    /// How many trials a round of synchronous Hyperband starts in each bracket: ⌈(K / (K − s)) · eta^(K − 1 − s)⌉ in
    /// bracket s of K, a bracket for each rung and one for the maximum (algorithm 1 of the paper, with s counted from
    /// the bracket that halves most). Without a maximum there is no last bracket to count from, hence only one.
    static func sizes(rungs: Int, eta: Double, isBounded: Bool) -> [Double] {
        guard isBounded else { return [1] }
        let count = rungs + 1
        var power = 1.0
        var sizes: [Double] = []
        for left in 1...count {
            sizes.append((Double(count) / Double(left) * power).rounded(.up))
            power *= eta
        }
        return sizes.reversed()
    }

    /// The bracket of a trial; 0 is the one with the first rung.
    func bracket(of trial: Int) -> Int {
        // `control` is what else is drawn for a condemned trial; the name keeps the two apart.
        var stream = RandomStream(seed: seed, index: trial, name: "bracket", purpose: .control)
        let draw = stream.nextUniform()
        return cumulative.firstIndex { draw < $0 } ?? brackets.count - 1
    }

    package mutating func judge(_ trial: Int, _ curve: LearningCurve) -> Verdict? {
        brackets[bracket(of: trial)].judge(trial, curve)
    }

    package mutating func conclude(_ trial: Int, _ curve: LearningCurve, _ end: CurveEnd) {
        brackets[bracket(of: trial)].conclude(trial, curve, end)
    }
}

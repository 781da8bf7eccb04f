// SPDX-License-Identifier: MIT

import Randomness
import SearchAlgorithms
import SweepModel
import Testing

/// What happened in a sweep, in the order of its journal.
struct PrunerScript: Sendable {
    enum Event: Sendable {
        case report(Int, step: Int64, value: Double)
        case rewind(Int, to: Int64)
        case end(Int, isCompleted: Bool)
    }

    var goal = Objective.Goal.minimize
    var events: [Event] = []

    /// As `LearningCurve` has it, what a sweep with the rule would have recorded. Condemned trials go on.
    ///
    /// - Returns: of every report what the rule said, and the curves as they were then.
    func run(_ rule: inout StoppingRule) -> [Answer] {
        var curves: [Int: LearningCurve] = [:]
        var answers: [Answer] = []
        for event in events {
            switch event {
            case .report(let trial, let step, let value):
                curves[trial, default: LearningCurve(goal: goal)].append(step: step, value: value)
                guard let curve = curves[trial] else { continue }
                answers.append(Answer(trial: trial, curve: curve, verdict: rule.judge(trial, curve)))
            case .rewind(let trial, let step):
                curves[trial]?.rewind(to: step)
            case .end(let trial, let isCompleted):
                rule.conclude(trial, curves[trial] ?? LearningCurve(goal: goal), isCompleted ? .completed : .stopped)
            }
        }
        return answers
    }

    struct Answer: Sendable {
        let trial: Int
        let curve: LearningCurve
        let verdict: Verdict?
    }

    /// Every value mapped; `goal` is for the mapped ones.
    func mapped(_ goal: Objective.Goal, _ map: (Double) -> Double) -> Self {
        PrunerScript(
            goal: goal,
            events: events.map { event in
                if case .report(let trial, let step, let value) = event {
                    return .report(trial, step: step, value: map(value))
                }
                return event
            })
    }

    /// Falling curves of trials of which a few report at a time, in a random order; one in five fails before its end.
    static func random(seed: UInt64, trials: Int = 30, steps: Int64 = 30, live: Int = 6) -> PrunerScript {
        var random = RandomStream(seed: seed, index: 0, name: "script", purpose: .tests)
        var script = PrunerScript()
        var running: [(trial: Int, curve: [Double], isCompleted: Bool)] = []
        var done = [Int](repeating: 0, count: trials)
        var begun = 0
        while begun < trials || !running.isEmpty {
            while running.count < live, begun < trials {
                let isCompleted = random.nextUniform() > 0.2
                let last = isCompleted ? steps : 1 + Int64(random.nextInteger(below: UInt64(steps)))
                running.append((begun, falling(&random, steps: last), isCompleted))
                begun += 1
            }
            let place = Int(random.nextInteger(below: UInt64(running.count)))
            let (trial, curve, isCompleted) = running[place]
            script.events.append(.report(trial, step: Int64(done[trial] + 1), value: curve[done[trial]]))
            done[trial] += 1
            if done[trial] == curve.count {
                script.events.append(.end(trial, isCompleted: isCompleted))
                running.remove(at: place)
            }
        }
        return script
    }

    private static func falling(_ random: inout RandomStream, steps: Int64) -> [Double] {
        let level = random.nextUniform()
        let amplitude = 0.5 + random.nextUniform()
        let noise = 0.02 + 0.05 * random.nextUniform()
        return (1...steps).map { level + amplitude / Double($0).squareRoot() + noise * random.nextNormal() }
    }
}

/// The rules that the conformance suite is run over.
struct RuleCase: Sendable, CustomTestStringConvertible {
    let name: String
    let termination: EarlyTermination
    /// Whether only the order of the values counts.
    let isOrdinal: Bool
    var testDescription: String { name }

    init(_ name: String, _ rule: EarlyTermination.Rule, isOrdinal: Bool = false) {
        self.init(name, EarlyTermination(rule: rule), isOrdinal: isOrdinal)
    }

    init(_ name: String, _ termination: EarlyTermination, isOrdinal: Bool = false) {
        self.name = name
        self.termination = termination
        self.isOrdinal = isOrdinal
    }

    func rule(seed: UInt64 = 3) -> StoppingRule { StoppingRule(termination, seed: seed) }

    /// With the bounds of a maximised objective whose values are the negated ones.
    var mirrored: StoppingRule {
        var mirrored = termination
        (mirrored.lower, mirrored.upper) = (termination.upper.map { -$0 }, termination.lower.map { -$0 })
        return StoppingRule(mirrored, seed: 3)
    }

    static let rungs = EarlyTermination.Rungs(minimumStep: 1, maximumStep: 30)
    static let forecast = EarlyTermination.CurveForecast(probability: 0.2, minimumStep: 15, maximumStep: 30)
    static let all: [RuleCase] = [
        RuleCase("asha", .asha(rungs, .stopping), isOrdinal: true),
        RuleCase("asha, promotion", .asha(rungs, .promotion), isOrdinal: true),
        RuleCase("asha, eta 1.5", .asha(.init(minimumStep: 2, eta: 1.5), .stopping), isOrdinal: true),
        RuleCase("async hyperband", .asyncHyperband(rungs), isOrdinal: true),
        RuleCase("hyperband", .hyperband(.init(form: .from(3))), isOrdinal: true),
        RuleCase("hyperband, not strict", .hyperband(.init(form: .from(2), eta: 2, isStrict: false)), isOrdinal: true),
        RuleCase("hyperband, max_iter", .hyperband(.init(form: .downFrom(27, count: 2))), isOrdinal: true),
        RuleCase("median", .percentile(.init())),
        RuleCase("percentile", .percentile(.init(percentile: 25, minimumPeers: 2, minimumStep: 3, interval: 4))),
        RuleCase("patience", .patience(.init(reports: 3)), isOrdinal: true),
        RuleCase("patience, delta", .patience(.init(reports: 4, minimumDelta: 0.03))),
        RuleCase("threshold", EarlyTermination(rule: .threshold, lower: 0.3, upper: 1.6)),
        RuleCase("wilcoxon", .wilcoxon(.init(significance: 0.3))),
        RuleCase("curve", .curve(forecast)),
        RuleCase("auto", EarlyTermination(rule: .auto(), maximumStep: 30)),
        RuleCase("all together", EarlyTermination(rule: .asha(rungs, .promotion), upper: 1.7, veto: forecast)),
    ]
}

extension Pruner {
    /// The trial that has earned to go on, where every condemned trial has paused. It is no longer held afterwards.
    mutating func promote() -> Int? {
        guard let trial = promotable({ _ in true }) else { return nil }
        promote(trial)
        return trial
    }
}

// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel

/// People: what they wish for while the faults last, and what they do so that everything ends.
extension World {
    func wish() {
        defer {
            let pause = isCalm || scenario.wishInterval == 0 ? 5000 * scenario.scale : gap(scenario.wishInterval)
            agenda.plan(.wish, at: now + pause)
        }
        guard isUp else { return }
        // Whoever drains a coordinator ends it.
        if isDrained, isCalm || random.chance(0.3) { return crash() }
        for sweep in engine.sweeps.keys { attend(sweep) }
        if isCalm {
            for (worker, state) in engine.workers where state.isDraining {
                take(.stimulus(.drainWorker(worker, false)))
            }
        }
        if !isCalm, scenario.wishInterval > 0, let sweep = engine.sweeps.keys.randomElement(using: &random) {
            ask(for: sweep)
        }
    }

    /// Paused sweeps go on, callers tell in the end.
    private func attend(_ sweep: SweepID) {
        guard let state = engine.sweeps[sweep] else { return }
        // A retry opens a sweep that was over when this process began, and whoever wants it run says so.
        if case .running = state.phase, !state.isActive { take(.stimulus(.adopt(sweep))) }
        if case .paused = state.phase, isCalm || random.chance(0.3) { take(.stimulus(.unpause(sweep))) }
        for number in state.asked.sorted() where isCalm || random.chance(0.2) {
            let value: Double? = random.chance(0.2) ? nil : random.chance(0.1) ? .nan : 0.5
            take(.stimulus(.tell(TrialID(sweep: sweep, number: number), value: value)))
        }
    }

    private func ask(for sweep: SweepID) {
        guard let state = engine.sweeps[sweep], !state.trials.isEmpty else { return }
        let trial = TrialID(sweep: sweep, number: random.int(0...state.trials.count - 1))
        switch random.int(0...18) {
        case 0:
            take(.stimulus(.pause(sweep)))
            // Thought better of at once: what was asked of the sampler before is still to come.
            if random.chance(0.5) { take(.stimulus(.unpause(sweep))) }
        case 1, 2: take(.stimulus(.cancelTrial(trial)))
        case 3, 4: take(.stimulus(.stopTrial(trial, reason: "the operator")))
        case 5, 6: take(.stimulus(.retry(trial)))
        case 7:
            take(.stimulus(.drain))
            isDrained = true
            tally.count(.drained)
        case 8: take(.stimulus(.continueTrial(trial, steps: Int64(random.int(1...3)))))
        case 9:
            take(.stimulus(.handBack))
            tally.count(.handedBack)
        case 10:
            if launched < scenario.sweeps.count { launch() }
        case 11, 12:
            let space = state.definition.space.parameters
            guard space.first?.name == "x" else { return }
            let own = space.map { parameter in
                Configuration.Entry(
                    parameter.name,
                    parameter.name == "layers" ? .integer(Int64(random.int(1...9))) : .number(drawnShare()))
            }
            take(.stimulus(.enqueue(sweep, Configuration(own))))
        case 13: if random.chance(0.2) { take(.stimulus(.stop(sweep))) }
        case 14: take(.stimulus(.drainWorker(WorkerID("\(workers[0].name)-\(workers[0].boot)"), random.chance(0.5))))
        case 15: take(.stimulus(.undrain))
        default: take(.stimulus(.ask(sweep)))
        }
    }

    private func drawnShare() -> Double { Double(random.int(1...1 << 20)) / Double(1 << 20) }

    private func launch() {
        launched += 1
        take(.stimulus(.launch(scenario.sweeps[launched - 1].definition, directory: "/sweeps")))
        take(.stimulus(.activate(SweepID(launched))))
    }

    /// Everything is over and faults are left: another sweep, or more of one.
    func extendWork() {
        if launched < scenario.sweeps.count { return launch() }
        guard extensions < 8, let sweep = engine.sweeps.keys.randomElement(using: &random),
            let state = engine.sweeps[sweep], case .finished(let reason) = state.phase,
            reason == .trials || reason == .noImprovement || reason == .steps
        else {
            extensions += 1
            if extensions > 12 { faultsLeft = 0 }
            return
        }
        extensions += 1
        var definition = state.definition
        definition.trials = state.counted + random.int(5...30)
        definition.limits = SweepDefinition.Limits(trial: definition.limits.trial)
        take(.stimulus(.redefine(sweep, definition)))
        take(.stimulus(.activate(sweep)))
    }
}

// SPDX-License-Identifier: MIT

package import SearchAlgorithms

extension SearchHistory {
    /// What a sampler may look at for the sweep's next proposal: everything, or in a deterministic sweep what does not
    /// depend on which trial happened to end first.
    ///
    /// Trials that did not train to their end, and those under way that have come to a rung, count with their value there
    /// as if it had been trained on from (`RungAdjustment`). Trials that continue others count for nothing.
    ///
    /// - Parameter position: how many events the state is made of.
    /// - Parameter seen: the configurations of all its trials.
    package init(_ state: SweepState, position: Int64, seen: SeenConfigurations) {
        let cut = state.deterministicCut
        let ended = cut.map { cut in state.results.filter { $0 < cut }.sorted() } ?? state.results
        let pending = state.trials.indices.filter { number in
            !state.trials[number].isContinuation && (cut.map { number >= $0 } ?? !state.trials[number].state.isOver)
        }
        // A deterministic search looks at no trial that runs, but at those that have paused.
        let underWay = state.trials.indices.filter { number in
            !state.trials[number].state.isOver && !state.trials[number].isContinuation && number < cut ?? .max
        }
        let adjustment = RungAdjustment(
            state.ladder,
            state.trials.filter { !$0.milestones.isEmpty && !$0.isContinuation }.map(TrialEvidence.init))
        self.init(
            position: position,
            results: (ended + underWay).compactMap { adjustment.result(of: TrialEvidence(state.trials[$0])) },
            pending: pending.filter { state.trials[$0].state != .paused }.map { state.trials[$0].configuration },
            seen: seen)
    }
}

extension TrialEvidence {
    fileprivate init(_ trial: Trial) {
        let end: End =
            switch trial.state {
            case .completed: .completed(trial.value)
            case .stopped: trial.isInfeasible ? .failed : .stopped(trial.value)
            case .failed, .cancelled: .failed
            case .queued, .leased, .running, .paused: .underWay
            }
        self.init(trial.configuration, milestones: trial.milestones, end: end)
    }
}

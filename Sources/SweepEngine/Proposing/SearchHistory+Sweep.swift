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
        let adjustment = state.adjustment(of: ended)
        func result(_ number: Int) -> Result? {
            let trial = state.trials[number]
            switch trial.state {
            case .completed: return Result(trial.configuration, value: trial.value)
            case .stopped where !trial.isInfeasible:
                return Result(trial.configuration, value: adjustment?.atEnd(trial.milestones) ?? trial.value)
            case .stopped, .failed, .cancelled: return Result(trial.configuration, value: nil)
            case .queued, .leased, .running, .paused:
                return adjustment?.atEnd(trial.milestones).map { Result(trial.configuration, value: $0) }
            }
        }
        // A deterministic search looks at no trial that runs, but at those that have paused.
        let underWay = state.trials.indices.filter { number in
            !state.trials[number].state.isOver && !state.trials[number].isContinuation && number < cut ?? .max
        }
        self.init(
            position: position, results: (ended + underWay).compactMap(result),
            pending: pending.filter { state.trials[$0].state != .paused }.map { state.trials[$0].configuration },
            seen: seen)
    }
}

extension SweepState {
    /// Nil where every trial trains to its end.
    fileprivate func adjustment(of ended: [Int]) -> RungAdjustment? {
        guard let ladder else { return nil }
        let known = trials.indices.filter { !trials[$0].milestones.isEmpty && !trials[$0].isContinuation }
        return RungAdjustment(
            ladder, milestones: known.map { trials[$0].milestones },
            finals: known.map { trials[$0].state == .completed ? trials[$0].value : nil })
    }
}

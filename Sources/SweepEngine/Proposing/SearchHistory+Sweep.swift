// SPDX-License-Identifier: MIT

package import SearchAlgorithms

extension SearchHistory {
    /// What a sampler may look at for the sweep's next proposal: everything, or in a deterministic sweep what does not
    /// depend on which trial happened to end first.
    ///
    /// - Parameter position: how many events the state is made of.
    /// - Parameter seen: the configurations of all its trials.
    package init(_ state: SweepState, position: Int64, seen: SeenConfigurations) {
        func result(_ number: Int) -> Result {
            let trial = state.trials[number]
            let isUsable = trial.state == .completed || trial.state == .stopped
            return Result(trial.configuration, value: isUsable ? trial.value : nil)
        }
        let cut = state.deterministicCut
        let ended = cut.map { cut in state.results.filter { $0 < cut }.sorted() } ?? state.results
        let pending = state.trials.indices.filter { number in
            cut.map { number >= $0 } ?? !state.trials[number].state.isOver
        }
        self.init(
            position: position, results: ended.map(result), pending: pending.map { state.trials[$0].configuration },
            seen: seen)
    }
}

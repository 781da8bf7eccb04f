// SPDX-License-Identifier: MIT

import Randomness
package import SweepModel

/// The method a sweep is searched with: the file's, or for `auto` the one that suits what the sweep declares.
package struct MethodChoice: Hashable, Sendable {
    /// Never `auto`.
    package let method: SweepDefinition.Method
    /// Why, for `auto`; nil where the file names the method.
    package let reason: String?

    package init(_ definition: SweepDefinition) {
        guard definition.method == .auto else {
            (method, reason) = (definition.method, nil)
            return
        }
        let varied = definition.space.varied
        let conditional = varied.count { !$0.conditions.isEmpty }
        let depth = definition.space.conditionDepth
        if definition.gridOrder == .coarse, let trials = definition.trials, let count = definition.space.cardinality,
            count.saturatingProduct(max(1, definition.repeats)) <= trials
        {
            (method, reason) = (.grid, "all \(count) configurations fit into \(trials) trials")
        } else if varied.count > Sobol.dimensionLimit {
            (method, reason) = (.random, "\(varied.count) parameters are too many for a model")
        } else if let trials = definition.trials, let workers = definition.workers, 3 * workers >= trials {
            (method, reason) = (
                .sobol, "with \(workers) workers and \(trials) trials few results are known when the last trial starts"
            )
        } else if 2 * conditional > varied.count {
            (method, reason) = (.tpe, "\(conditional) of \(varied.count) parameters are conditional")
        } else if depth > 2 {
            (method, reason) = (.tpe, "conditions are nested \(depth) deep")
        } else {
            (method, reason) = (.bayes, "a Gaussian process finds more in the same number of trials")
        }
    }
}

extension SweepDefinition {
    /// The definition with every `auto` replaced by what it picks. A sweep is started with that, so that neither its
    /// method nor its rule changes when its total or its workers do.
    package var withChoicesMade: SweepDefinition {
        var chosen = self
        chosen.method = MethodChoice(self).method
        chosen.earlyTermination = earlyTermination?.withRuleChosen(hasCheckpoints: checkpoints != nil)
        return chosen
    }

    /// The definition of an edited file with what was decided and drawn when the sweep was started.
    package func withChoices(of started: SweepDefinition) -> SweepDefinition {
        var edited = self
        edited.seed = started.seed
        if method == .auto { edited.method = started.method }
        // A first step that the file names stays the file's: it depends neither on the total nor on the workers.
        if let rule = started.earlyTermination?.rule, case .auto(minimumStep: nil)? = earlyTermination?.rule {
            edited.earlyTermination?.rule = rule
        }
        return edited.withChoicesMade
    }
}

extension SearchSpace {
    /// How many conditions lie above the deepest parameter.
    fileprivate var conditionDepth: Int {
        var depths: [String: Int] = [:]
        for parameter in parameters {
            let above = parameter.conditions.map { depths[$0.parent] ?? 0 }.max()
            depths[parameter.name] = above.map { $0 + 1 } ?? 0
        }
        return depths.values.max() ?? 0
    }
}

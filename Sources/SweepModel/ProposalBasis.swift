// SPDX-License-Identifier: MIT

/// What a proposal of an adaptive sampler was made from: enough to make it again from the journal, bit for bit on the
/// same machine.
package struct ProposalBasis: Hashable, Sendable {
    package enum Origin: String, CaseIterable, Sendable {
        /// A point of the initial design, or of its continuation while too few results are known.
        case design
        /// The maximum of a surrogate's acquisition.
        case model
        /// The best of the candidates of tree-structured Parzen estimators.
        case density
        /// Drawn from what is left, because the sampler found nothing that is new.
        case remainder
    }

    package let origin: Origin
    /// How many events the journal held when the sweep's results and pending trials were looked at.
    package let position: Int64
    /// How many proposals stand between the last trial of then and this one; they counted as pending.
    package let place: Int
    /// The fits of the surrogates it was made with; empty where there is none.
    package let fits: [ModelFit]

    package init(origin: Origin, position: Int64, place: Int, fits: [ModelFit]) {
        self.origin = origin
        self.position = position
        self.place = place
        self.fits = fits
    }
}

/// One fit of a surrogate's hyperparameters: from where, on which results, and what came out.
package struct ModelFit: Hashable, Sendable {
    package enum Subject: String, CaseIterable, Sendable {
        /// The objective's values.
        case objective
        /// Whether trials succeed.
        case success
    }

    package let subject: Subject
    /// How many events the journal held when the results it was fitted to were looked at.
    package let position: Int64
    /// How many fits of this surrogate came before it.
    package let ordinal: Int
    /// How many results it was fitted to.
    package let results: Int
    /// The logarithms of the hyperparameters it started from; empty for the first fit.
    package let start: [Double]
    /// The logarithms of the hyperparameters: length scales, signal variance, noise variance.
    package let found: [Double]

    package init(
        subject: Subject, position: Int64, ordinal: Int, results: Int, start: [Double], found: [Double]
    ) {
        self.subject = subject
        self.position = position
        self.ordinal = ordinal
        self.results = results
        self.start = start
        self.found = found
    }
}

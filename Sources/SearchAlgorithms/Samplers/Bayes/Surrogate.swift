// SPDX-License-Identifier: MIT

import GaussianProcess
import LinearAlgebra
import SweepModel

/// The models of a sweep: of the objective and, where trials have failed, of their success.
struct Surrogate: Sendable {
    let evidence: Evidence
    let objective: GaussianProcess
    let success: GaussianProcess?
    let fits: [ModelFit]
    /// Whether one of the fits is due, or missing, and was not to be made.
    let isFitDue: Bool

    /// Nil when a covariance has no factor even at the prior's hyperparameters.
    ///
    /// - Parameter fits: the latest fits.
    /// - Parameter mayFit: without, the fits are the latest, and only an objective for which there is none of use is
    ///   fitted; success is as if certain until it has one.
    init?(_ evidence: Evidence, fits: [ModelFit], position: Int64, seed: UInt64, mayFit: Bool) {
        var isFitDue = false
        func model(_ subject: ModelFit.Subject) -> (model: GaussianProcess, fit: ModelFit)? {
            let observations = evidence.observations(subject)
            let last = fits.last { $0.subject == subject }
            let known = last.flatMap { last in
                Self.model(observations, last.hyperparameters).map { (model: $0, fit: last) }
            }
            if let known {
                let isDue = Self.isDue(known.model, known.fit, evidence)
                if !mayFit, isDue { isFitDue = true }
                if !mayFit || !isDue { return known }
            }
            if !mayFit, subject == .success {
                isFitDue = true
                return nil
            }
            let fit = Self.fit(
                subject, evidence, start: last?.found ?? [], ordinal: last.map { $0.ordinal + 1 } ?? 0,
                position: position, seed: seed)
            return Self.model(observations, fit.hyperparameters).map { ($0, fit) } ?? known
        }
        guard let objective = model(.objective) else { return nil }
        let success = evidence.hasFailures ? model(.success) : nil
        self.evidence = evidence
        self.objective = objective.model
        self.success = success?.model
        self.fits = [objective.fit] + (success.map { [$0.fit] } ?? fits.filter { $0.subject == .success })
        self.isFitDue = isFitDue
    }

    /// As another, with a model of the objective of its own.
    private init(_ other: Surrogate, objective: GaussianProcess) {
        evidence = other.evidence
        self.objective = objective
        success = other.success
        fits = other.fits
        isFitDue = other.isFitDue
    }

    /// With the same hyperparameters, and values below the median as they are instead of by their rank: blurred near the
    /// best, where most values lie, but with the differences between places far apart in their true size. Nil when the
    /// covariance has no factor.
    var unranked: Surrogate? {
        Self.model(evidence.unrankedObservations, objective.hyperparameters).map {
            Surrogate(self, objective: $0)
        }
    }

    private static let believedLimit = 448

    /// What to maximise, with the points of pending trials taken into account; nil when their joint covariance has no
    /// factor.
    func target(pending: [[Double]], seed: UInt64) -> Acquisition? {
        // The newest are looked at most closely; of those before it is believed that they turn out as expected. Of very many
        // the oldest count for nothing: what they cost grows with the cube of their number.
        let old = pending.dropLast(Fantasies.pendingLimit).suffix(Self.believedLimit)
        let new = Array(pending.suffix(Fantasies.pendingLimit))
        do throws(CholeskyFailure) {
            let model = old.isEmpty ? objective : try objective.believing(matrix(Array(old)))
            let fantasies: Fantasies
            if new.isEmpty {
                fantasies = .none(model, incumbent: model.incumbentValue)
            } else {
                fantasies = try Fantasies(
                    model, pending: matrix(new), incumbent: model.incumbentValue, seed: seed)
            }
            return Acquisition(model, fantasies: fantasies, success: success)
        } catch {
            return nil
        }
    }

    private func matrix(_ points: [[Double]]) -> Matrix {
        Matrix(rows: points.count, columns: evidence.features.count) { points[$0][$1] }
    }

    /// The rows a model is made of: all, or a working set of many.
    private static func rows(_ observations: Observations, _ lengthScales: [Double]) -> Observations {
        let shares = WorkingSet.Shares()
        guard observations.count > shares.total else { return observations }
        return observations.selecting(
            WorkingSet(observations, lengthScales: lengthScales, shares: shares).rows)
    }

    private static func model(_ observations: Observations, _ hyperparameters: Hyperparameters) -> GaussianProcess? {
        do throws(CholeskyFailure) {
            return try GaussianProcess(
                rows(observations, hyperparameters.lengthScales), hyperparameters: hyperparameters)
        } catch {
            return nil
        }
    }

    private static func isDue(_ model: GaussianProcess, _ fit: ModelFit, _ evidence: Evidence) -> Bool {
        // The newest result may be a repeat of an older row, or not of the working set.
        let last = model.observations.count - 1
        let isNewest = last >= 0 && evidence.points.last == model.observations.point(last)
        return Fit.isDue(
            rows: evidence.values.count, rowsAtLastFit: fit.results, surprise: isNewest ? model.surpriseOfLast : 0)
    }

    /// One fit: a function of its arguments alone.
    static func fit(
        _ subject: ModelFit.Subject, _ evidence: Evidence, start: [Double], ordinal: Int, position: Int64, seed: UInt64
    ) -> ModelFit {
        let priors = Priors(features: evidence.features.count)
        let previous = start.isEmpty ? nil : Hyperparameters(logarithms: start)
        let observations = rows(
            evidence.observations(subject), (previous ?? priors.start).lengthScales)
        let fit = Fit(observations, priors: priors, previous: previous, ordinal: ordinal, seed: seed)
        return ModelFit(
            subject: subject, position: position, ordinal: ordinal, results: evidence.values.count, start: start,
            found: fit.hyperparameters.logarithms)
    }
}

extension ModelFit {
    var hyperparameters: Hyperparameters { Hyperparameters(logarithms: found) }
}

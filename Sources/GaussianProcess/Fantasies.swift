// SPDX-License-Identifier: MIT

package import LinearAlgebra
import Randomness
import RealModule

/// What pending trials may turn out to be: M joint draws of the function at their points from the posterior, each a world
/// in which expected improvement is computed exactly. A proposal then keeps away from pending points as far as they are
/// expected to settle what it would.
///
///     μ_B, Σ_BB   joint posterior at B (variances + 10^-8),  L_B its factor
///     f_B^m = μ_B + L_B z_m,   A_m = Σ_BB⁻¹ (f_B^m - μ_B) = L_B⁻ᵀ z_m,   f*_m = max(f*, max_b f_B^m)
package struct Fantasies: Sendable {
    /// The most pending points; beyond, `GaussianProcess.believing` is for the rest.
    package static let pendingLimit = 64
    /// M.
    package static let draws = 64

    /// B: q × d.
    let points: Matrix
    /// C⁻¹K_XB: n × q.
    let solved: Matrix
    /// L_B.
    let cholesky: Cholesky
    /// A_m in the columns: q × M.
    let corrections: Matrix
    /// f*_m.
    let incumbents: [Double]

    /// - Parameter seed: of the scrambled Sobol points that the draws are made of.
    /// - Throws: when the joint covariance of the pending points has no factor.
    package init(
        _ model: GaussianProcess, pending: Matrix, incumbent: Double, seed: UInt64
    ) throws(CholeskyFailure) {
        let sobol = Sobol(dimensions: pending.rows, seed: seed)
        let normals = Matrix(rows: pending.rows, columns: Self.draws) { row, draw in
            // Coordinates are multiples of 2^-53: the midpoint of the cell is never 0.
            normalQuantile(sobol.coordinate(row, at: UInt32(draw)) + 0x1p-54)
        }
        try self.init(model, points: pending, normals: normals, incumbent: incumbent)
    }

    /// - Parameter normals: z_m in the columns.
    init(
        _ model: GaussianProcess, points: Matrix, normals: Matrix, incumbent: Double
    ) throws(CholeskyFailure) {
        let covariances = model.kernel.between(model.observations.points, points)
        let halves = model.cholesky.solveFactor(covariances)
        let shared = halves.times(halves, transposed: true)
        var joint = model.kernel.between(points, points)
        for index in joint.elements.indices { joint.elements[index] -= shared.elements[index] }
        for row in 0..<points.rows { joint[row, row] += 1e-8 }
        cholesky = try Cholesky(joint)
        self.points = points
        solved = model.cholesky.factor.solveLower(halves, transposed: true)
        corrections = cholesky.factor.solveLower(normals, transposed: true)
        let means = model.means(covariances)
        let deviations = cholesky.factor.times(normals)
        incumbents = (0..<normals.columns).map { draw in
            (0..<points.rows).reduce(incumbent) { max($0, means[$1] + deviations[$1, draw]) }
        }
    }

    private init(model: GaussianProcess, incumbent: Double) {
        points = Matrix(rows: 0, columns: model.observations.features.count)
        solved = Matrix(rows: model.observations.count, columns: 0)
        cholesky = Cholesky.empty
        corrections = Matrix(rows: 0, columns: 1)
        incumbents = [incumbent]
    }

    /// Nothing pending: one world, in which plain expected improvement is computed.
    package static func none(_ model: GaussianProcess, incumbent: Double) -> Fantasies {
        Fantasies(model: model, incumbent: incumbent)
    }
}

extension Cholesky {
    fileprivate static var empty: Cholesky {
        do throws(CholeskyFailure) {
            return try Cholesky(Matrix(rows: 0, columns: 0))
        } catch {
            preconditionFailure("a matrix of no rows has a factor")
        }
    }
}

// SPDX-License-Identifier: MIT

import LinearAlgebra
import Randomness
import RealModule

@testable import GaussianProcess

/// A matrix from its rows.
func matrix(_ rows: [[Double]], columns: Int) -> Matrix {
    Matrix(rows: rows.count, columns: columns) { rows[$0][$1] }
}

/// The relative difference, absolute below 1.
func difference(_ left: Double, _ right: Double) -> Double {
    (left - right).magnitude / max(1, right.magnitude)
}

func difference(_ left: [Double], _ right: [Double]) -> Double {
    left.count == right.count ? zip(left, right).reduce(0) { max($0, difference($1.0, $1.1)) } : .infinity
}

/// A random model: n ≤ 40 points, d ≤ 12 features of both kinds, some points repeated.
struct RandomCase {
    let features: Features
    let points: [[Double]]
    let values: [Double]
    let hyperparameters: Hyperparameters
    var stream: RandomStream

    var observations: Observations { Observations(features: features, points: points, values: values) }

    init(seed: Int, repeats: Bool = true) {
        var stream = RandomStream(seed: 3, index: seed, purpose: .tests)
        let count = 2 + Int(stream.nextInteger(below: 39))
        let dimensions = 1 + Int(stream.nextInteger(below: 12))
        let kinds = (0..<dimensions).map { index in
            index > 0 && stream.nextUniform() < 0.3 ? Features.Kind.categorical : .continuous
        }
        var points: [[Double]] = []
        for _ in 0..<count {
            if repeats, !points.isEmpty, stream.nextUniform() < 0.15 {
                points.append(points[Int(stream.nextInteger(below: UInt64(points.count)))])
            } else {
                points.append(Self.point(kinds, &stream))
            }
        }
        features = Features(kinds)
        self.points = points
        values = points.map { point in
            Double.sin(4 * point[0]) + point.reduce(0, +) / 3 + 0.1 * stream.nextNormal()
        }
        hyperparameters = Hyperparameters(
            lengthScales: kinds.map { _ in Double.exp(0.6 * stream.nextNormal() - 0.3) },
            signalVariance: Double.exp(0.5 * stream.nextNormal()),
            noiseVariance: Double.exp(stream.nextNormal() - 4))
        self.stream = stream
    }

    static func point(_ kinds: [Features.Kind], _ stream: inout RandomStream) -> [Double] {
        kinds.map { $0 == .continuous ? stream.nextUniform() : Double(stream.nextInteger(below: 3)) }
    }

    mutating func randomPoint() -> [Double] { Self.point(features.kinds, &stream) }

    mutating func randomPoints(_ count: Int) -> Matrix {
        matrix((0..<count).map { _ in randomPoint() }, columns: features.count)
    }
}

/// The derivative by central differences of order four.
func slope(_ function: (Double) throws -> Double, at x: Double, step: Double = 1e-4) rethrows -> Double {
    let near = try function(x + step) - function(x - step)
    let far = try function(x + 2 * step) - function(x - 2 * step)
    return (8 * near - far) / (12 * step)
}

// SPDX-License-Identifier: MIT

import Randomness
import Testing

struct RandomStreamTests {
    @Test func layoutOfTheCounter() {
        let stream = RandomStream(seed: 0x0123_4567_89AB_CDEF, index: 7, name: "lr", purpose: .proposal)
        let block = Philox4x32.block(
            counter: SIMD4(7, fnv1a32("lr"), 3, 0), key: SIMD2(0x89AB_CDEF, 0x0123_4567))
        #expect(stream.bits(draw: 3) == UInt64(block[1]) << 32 | UInt64(block[0]))
    }

    @Test func sequenceEqualsRandomAccess() {
        var stream = RandomStream(seed: 7, index: 1, name: "a", purpose: .tests)
        let copy = stream
        for draw in 0..<100 as Range<UInt32> { #expect(stream.next() == copy.bits(draw: draw)) }
    }

    @Test func everyPartOfTheKeyCounts() {
        let streams =
            [
                RandomStream(seed: 7, index: 0, name: "a", purpose: .tests),
                RandomStream(seed: 8, index: 0, name: "a", purpose: .tests),
                RandomStream(seed: 7 | 1 << 40, index: 0, name: "a", purpose: .tests),
                RandomStream(seed: 7, index: 1, name: "a", purpose: .tests),
                RandomStream(seed: 7, index: 1 << 33, name: "a", purpose: .tests),
                RandomStream(seed: 7, index: 0, name: "b", purpose: .tests),
            ]
            + RandomStream.Purpose.allCases.filter { $0 != .tests }.map {
                RandomStream(seed: 7, index: 0, name: "a", purpose: $0)
            }
        #expect(Set(streams.map { $0.bits(draw: 0) }).count == streams.count)
    }

    /// Pinned: these must never change, or recorded sweeps could not be repeated.
    @Test func golden() {
        let stream = RandomStream(seed: 7, index: 0, name: "lr", purpose: .proposal)
        #expect(
            (0..<3).map { stream.uniform(draw: $0) } == [0.6264165234328449, 0.9333628956825447, 0.9798438273948853])
        #expect(
            (0..<4).map { trialSeed(sweepSeed: 7, trial: $0) } == [
                2_852_896_837, 1_341_575_834, 197_059_622, 2_353_770_116,
            ])
    }

    @Test func uniformsAreUniform() {
        var stream = RandomStream(seed: 11, index: 0, purpose: .tests)
        let count = 100_000
        let sorted = (0..<count).map { _ in stream.nextUniform() }.sorted()
        #expect(sorted.first.map { $0 >= 0 } == true && sorted.last.map { $0 < 1 } == true)
        // Kolmogorov's bound at 1 in 10^6: sqrt(ln(2 / 1e-6) / 2) / sqrt(n).
        #expect(kolmogorovDistance(sorted) < 2.7 / Double(count).squareRoot(), "seed 11")
    }

    @Test func normalsAreNormal() {
        var stream = RandomStream(seed: 12, index: 0, purpose: .tests)
        let draws = (0..<100_000).map { _ in stream.nextNormal() }
        let mean = draws.reduce(0, +) / 1e5
        let variance = draws.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 1e5
        #expect(mean.magnitude < 0.016 && (variance - 1).magnitude < 0.023, "seed 12")
    }

    @Test(arguments: [1, 2, 3, 10, 1 << 63 + 1] as [UInt64])
    func boundedIntegers(bound: UInt64) {
        var stream = RandomStream(seed: 13, index: 0, purpose: .tests)
        let count = 30_000
        var thirds = [0, 0, 0]
        for _ in 0..<count {
            let value = stream.nextInteger(below: bound)
            #expect(value < bound)
            thirds[Int(Double(value) / Double(bound) * 3)] += 1
        }
        if bound % 3 == 0 || bound > 1 << 32 {
            let expected = Double(count) / 3
            let chiSquare = thirds.map { (Double($0) - expected) * (Double($0) - expected) / expected }.reduce(0, +)
            #expect(chiSquare < 27.6, "seed 13, two degrees of freedom, 1 in 10^6")
        }
    }

    @Test func normalQuantileAgreesWithScipy() {
        for (probability, quantile) in normalFixture {
            #expect(
                (normalQuantile(probability) - quantile).magnitude <= 1e-14 * max(1, quantile.magnitude),
                "\(probability)")
        }
        #expect(normalQuantile(0) == -.infinity)
        #expect(normalQuantile(1) == .infinity)
    }
}

/// The largest distance between the sorted numbers' distribution and the uniform one on [0, 1).
func kolmogorovDistance(_ sorted: [Double]) -> Double {
    let count = Double(sorted.count)
    return sorted.enumerated().reduce(0) { worst, item in
        max(
            worst, (item.element - Double(item.offset) / count).magnitude,
            (Double(item.offset + 1) / count - item.element).magnitude)
    }
}

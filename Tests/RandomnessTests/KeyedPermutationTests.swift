// SPDX-License-Identifier: MIT

import Randomness
import Testing

struct KeyedPermutationTests {
    @Test(arguments: [1, 2, 3, 4, 5, 16, 17, 1000, 4097] as [UInt64])
    func isAPermutation(count: UInt64) {
        let permutation = KeyedPermutation(count: count, seed: 3)
        #expect((0..<count).map { permutation[$0] }.sorted() == Array(0..<count))
    }

    @Test func keysDiffer() {
        let orders = (0..<20).map { index in
            let permutation = KeyedPermutation(count: 50, seed: 3, index: index)
            return (0..<50).map { permutation[$0] }
        }
        #expect(Set(orders).count == 20)
    }

    @Test func firstPlaceIsUniform() {
        var tally = [Int](repeating: 0, count: 5)
        for index in 0..<10_000 { tally[Int(KeyedPermutation(count: 5, seed: 9, index: index)[0])] += 1 }
        let chiSquare = tally.map { (Double($0) - 2000) * (Double($0) - 2000) / 2000 }.reduce(0, +)
        #expect(chiSquare < 33.4, "seed 9, four degrees of freedom, 1 in 10^6: \(tally)")
    }

    @Test func trialSeedsAreSmallAndDistinct() {
        let seeds = (0..<100_000).map { trialSeed(sweepSeed: 5, trial: $0) }
        #expect(Set(seeds).count == seeds.count)
        #expect(seeds.allSatisfy { $0 < 1 << 32 })
        #expect(trialSeed(sweepSeed: 6, trial: 0) != seeds[0])
    }

    @Test func fingerprintsTellApart() {
        func print(_ texts: String...) -> Fingerprint {
            var result = Fingerprint()
            for text in texts { result.combine(text) }
            return result
        }
        let all = [
            print(), print(""), print("", ""), print("a"), print("a\0"), print("ab"), print("a", "b"), print("b", "a"),
            print("12345678"), print("123456789"), print("12345678", "9"),
        ]
        #expect(Set(all).count == all.count)
        var sum = print("a")
        sum.add(print("b"))
        var mirrored = print("b")
        mirrored.add(print("a"))
        #expect(sum == mirrored)
    }
}

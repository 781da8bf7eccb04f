// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepModel
import Testing

@testable import sweepd

struct ModelViewTests {
    /// Ten trials trained for 27 steps, the best at lr 0.01, and three near it that were stopped after the first step, when
    /// all trials are 16 worse than they become.
    @Test func `trials of different length are not compared as if they were equal`() throws {
        var definition = Synthetic.definition()
        definition.earlyTermination = EarlyTermination(
            rule: .asha(.init(minimumStep: 1, maximumStep: 27), .stopping), maximumStep: 27)
        func final(_ lr: Double) -> Double { 2 * (log10(lr) + 2) * (log10(lr) + 2) }
        let rates = (0..<10).map { pow(10, -4 + 0.4 * Double($0)) } + [0.008, 0.0095, 0.0105]
        let records = rates.enumerated().map { number, lr in
            number < 10
                ? Synthetic.trial(number, final(lr), lr: lr)
                : Synthetic.trial(number, final(lr) + 16, lr: lr, state: .stopped)
        }
        func curve(_ number: Int) -> [CurvePoint] {
            let gains: [(Int64, Double)] = number < 10 ? [(1, 16), (3, 6), (9, 1), (27, 0)] : [(1, 16)]
            return gains.map { CurvePoint(step: $0.0, value: final(rates[number]) + $0.1) }
        }
        let view = try #require(ModelView(records, definition: definition, curve: curve))
        let mean = try #require(view.bestJSON["mean"]?.doubleValue)
        // Taken as they are, the three would say that there is a hill where the valley is.
        #expect(view.best.number == 5 && mean.magnitude < 0.5, "\(view.bestJSON)")
        let plain = try #require(ModelView(records, definition: Synthetic.definition(), curve: curve))
        #expect(plain.bestJSON["mean"]?.doubleValue ?? 0 > 2 * mean.magnitude, "\(plain.bestJSON)")
        // Best by what is guessed of it, it is none that was trained to its end.
        #expect(view.best.state == .completed && !view.differs)
        #expect(view.json["results"] == .integer(13) && view.json["failures"] == .integer(0))
    }
}

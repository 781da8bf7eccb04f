// SPDX-License-Identifier: MIT

import Simulation
import SweepModel
import Testing

/// What is said of a table that does not quite fit the sweep.
@Suite struct TableCoverageTests {
    private func coverage(_ text: String, maximumStep: Int64?) throws -> TableCoverage {
        var definition = try SyntheticTable.definition()
        if let maximumStep {
            definition.earlyTermination = EarlyTermination(rule: .threshold, maximumStep: maximumStep)
        }
        return TableCoverage(try SyntheticTable.read(text, definition), definition)
    }

    @Test func `a table that fits is passed over in silence`() throws {
        for end in [nil, 9, 5] as [Int64?] {
            let coverage = try coverage(SyntheticTable.text(steps: 9), maximumStep: end)
            #expect(coverage.blank == 0 && coverage.short == 0 && coverage.shortest == nil)
            #expect(coverage.unseen.isEmpty && coverage.unlisted.isEmpty)
        }
    }

    @Test func `curves that begin too late or end too early are counted`() throws {
        let header = "lr,units,step,loss\n"
        let lines = "0.1,16,4,1\n0.1,16,9,1\n0.1,32,12,1\n0.1,64,2,1\n0.01,64,3,NaN\n"
        let coverage = try coverage(header + lines, maximumStep: 10)
        // What diverged has come to its end.
        #expect(coverage.blank == 1 && coverage.short == 2 && coverage.shortest == 2)
        #expect(coverage.maximumStep == 10)
    }

    @Test func `values that only one of the two has are named`() throws {
        let coverage = try coverage("lr,units,step,loss\n0.1,16,1,1\n0.001,17,1,1\n", maximumStep: nil)
        #expect(
            coverage.unseen.map { "\($0.parameter) \($0.value.text)" } == [
                "lr 0.0001", "lr 0.01", "units 32", "units 64",
            ])
        #expect(coverage.unlisted.map { "\($0.parameter) \($0.value.text)" } == ["units 17"])
    }
}

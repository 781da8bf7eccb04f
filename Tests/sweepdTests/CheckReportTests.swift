// SPDX-License-Identifier: MIT

import SweepEngine
import Testing
import WorkerProtocol

@testable import sweepd

@Suite struct CheckReportTests {
    private func verdict(_ trial: TrialRecord?, _ metrics: [MetricValue] = []) -> CheckReport.Verdict {
        let reports = metrics.enumerated().map {
            ReportRecord(attempt: 1, step: Int64($0.offset), metrics: [$0.element], at: nil)
        }
        return CheckReport.Verdict(sweep: Synthetic.sweep(), trial: trial, reports: reports)
    }

    @Test func `a trial with a value works`() {
        let works = verdict(Synthetic.trial(0, 0.5), [MetricValue("loss", 0.9), MetricValue("loss", 0.5)])
        #expect(works.status == .finished)
        #expect(works.lines.last == "the command works: the trial completed in 2.0s, loss = 0.5")
        #expect(works.lines.contains { $0.contains("loss") && $0.contains("2") && $0.contains("0.9") })
    }

    @Test func `a failure shows the end of the output`() {
        var failed = Synthetic.failed(0, "exit code 1")
        failed.failure = .init(cause: "user", message: "exit code 1", tail: "Traceback\nNameError: \u{1B}[2Jx")
        let fails = verdict(failed)
        #expect(fails.status == .noTrialCompleted)
        #expect(fails.lines.last == "  | NameError: \\u001b[2Jx")
        #expect(fails.lines.contains { $0.hasPrefix("no metric was reported") })
    }

    @Test func `a metric of another name is bad input`() {
        let misnamed = verdict(Synthetic.trial(0, nil, state: .completed), [MetricValue("los", 1)])
        #expect(misnamed.status == .badInput)
        #expect(misnamed.lines.last?.contains("did you mean los?") == true)
    }

    @Test func `no trial at all`() {
        #expect(verdict(nil).status == .noTrialCompleted)
    }
}

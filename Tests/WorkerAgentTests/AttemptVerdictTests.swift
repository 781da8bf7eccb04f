// SPDX-License-Identifier: MIT

import SweepModel
import Testing
import WorkerProtocol

@testable import WorkerAgent

@Suite struct AttemptVerdictTests {
    private func verdict(
        _ reports: [(Int64?, [MetricValue])], code: Int = 0, isResumed: Bool = false, termination: Termination? = nil
    ) -> AttemptEvent? {
        var progress = ReportProgress(objective: Objective(metric: "loss"), resumedFrom: isResumed ? 5 : nil)
        for (index, report) in reports.enumerated() {
            _ = progress.report(step: report.0, report.1, at: Double(index) * 2)
        }
        return AttemptVerdict(
            objective: Objective(metric: "loss"), progress: progress, isResumed: isResumed, termination: termination,
            exit: ChildProcess.Exit(kind: .code(code), peakMemory: nil), processID: 1, tail: "tail",
            resources: Resources()
        ).event
    }

    @Test func aResumedAttemptMayHaveNothingLeftToDo() {
        #expect(verdict([], isResumed: true) == .finished(.completed, Resources()))
        guard case .failed(let failure, _) = verdict([(6, [MetricValue("acc", 1)])], isResumed: true) else {
            Issue.record("no failure")
            return
        }
        #expect(failure.cause == .user)
    }

    @Test(arguments: [
        (Termination.stop(reason: "rung"), nil), (.offline(.seconds(1800)), AttemptFailure.Cause.infrastructure),
        (.timeLimit(.seconds(600)), .timeout), (.memoryLimit(limit: 8 << 30, used: 9 << 30), .memory),
    ])
    func whatWeEndedIsOurs(termination: Termination, cause: AttemptFailure.Cause?) {
        for code in [0, 1, 143] {
            let event = verdict([(1, [MetricValue("loss", 1)])], code: code, termination: termination)
            if case .failed(let failure, _) = event {
                #expect(failure.cause == cause)
                #expect(failure.tail == "tail")
            } else {
                #expect(event == .finished(.stopped, Resources()) && cause == nil)
            }
        }
    }

    /// Any word of its end would be charged to the trial.
    @Test(arguments: [Termination.workerStops, .abandoned]) func whatIsHandedBackHasNoEnd(termination: Termination) {
        for code in [0, 1, 143] {
            #expect(verdict([(1, [MetricValue("loss", 1)])], code: code, termination: termination) == nil)
        }
    }

    @Test func aFiniteEndCompletesWhateverCameBefore() {
        let event = verdict([(1, [MetricValue("loss", .nan)]), (2, [MetricValue("loss", 1)])])
        #expect(event == .finished(.completed, Resources()))
    }

    @Test func stepsCountOnFromWhereTheyWere() {
        var progress = ReportProgress(objective: Objective(metric: "loss"), resumedFrom: 5)
        let metrics = [MetricValue("loss", 1)]
        #expect(progress.report(step: nil, metrics, at: 10) == [.report(step: 6, metrics: metrics)])
        #expect(progress.secondsPerStep == nil)
        #expect(progress.report(step: 10, metrics, at: 18) == [.report(step: 10, metrics: metrics)])
        #expect(progress.secondsPerStep == 2)
        #expect(progress.report(step: 7, metrics, at: 19).count == 2)
        #expect(progress.report(step: 8, metrics, at: 20) == [.report(step: 8, metrics: metrics)])
        #expect(progress.report(step: nil, metrics, at: 21) == [.report(step: 11, metrics: metrics)])
        #expect(progress.report(step: .max, metrics, at: 22).count == 1)
        #expect(progress.report(step: nil, metrics, at: 23) == [.report(step: .max, metrics: metrics)])
    }

    @Test func aLargeReportIsDivided() {
        var progress = ReportProgress(objective: Objective(metric: "loss"), resumedFrom: nil)
        let metrics = (0..<600).map { MetricValue("m\($0)", 1) }
        let events = progress.report(step: 1, metrics, at: 0)
        let sizes = events.map { if case .report(1, let part) = $0 { part.count } else { 0 } }
        #expect(sizes == [256, 256, 88])
    }
}

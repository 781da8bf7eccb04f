// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepModel

/// When a sweep will be over, as far as its trials so far tell.
///
/// Trials that were stopped or paused early count with the little time they took: if so many of the next are stopped
/// too, the sweep is over that much sooner.
struct Forecast: Hashable, Sendable {
    /// What is known of a sweep that is under way.
    struct Course {
        /// The total; nil: until a limit.
        var total: Int?
        /// Trials that are over or paused and count towards the total.
        var done: Int
        /// How long each running trial has run; nil where it is not known.
        var running: [Double?]
        /// Of a trial, from its beginning to its end or pause.
        var meanSeconds: Double?
        /// Trials that can run at once; 0 where nobody is at work.
        var slots: Int
        var elapsed: Duration
        /// Over all trials so far.
        var steps: Int64
        var seconds: Double
        var limits: SweepDefinition.Limits
    }

    /// Until the sweep is over; nil where nobody is at work on it, or it has neither a total nor a limit.
    let seconds: Double?
    /// How many trials will be done by then; nil where nobody knows.
    let trials: Int?
    /// What ends it: its total, its time or its steps.
    let reason: FinishReason
    let meanSeconds: Double
    let slots: Int
    /// Trials of the total that have neither ended nor paused; nil without a total.
    let remaining: Int?

    /// nil while no trial has ended, and when nothing is left to do.
    init?(_ course: Course) {
        guard let mean = course.meanSeconds, mean.isFinite, mean >= 0 else { return nil }
        meanSeconds = mean
        slots = course.slots
        remaining = course.total.map { max(0, $0 - course.done) }
        if remaining == 0 { return nil }
        guard course.slots > 0 else {
            (seconds, trials, reason) = (nil, nil, .trials)
            return
        }
        var end = remaining.map { Self.seconds(of: $0, course, mean) }
        var reason = FinishReason.trials
        if let limit = course.limits.sweep {
            let left = max(0, Double((limit - course.elapsed).milliseconds) / 1000)
            if end.map({ left < $0 }) ?? true { (end, reason) = (left, .time) }
        }
        if let limit = course.limits.steps, course.steps > 0, course.seconds > 0 {
            let rate = Double(course.steps) / course.seconds * Double(course.slots)
            let left = Double(max(0, limit - course.steps)) / rate
            if end.map({ left < $0 }) ?? true { (end, reason) = (left, .steps) }
        }
        self.reason = reason
        seconds = end
        guard reason != .trials else {
            trials = end == nil ? nil : course.total
            return
        }
        let more = mean > 0 ? end.map { $0 * Double(course.slots) / mean } : nil
        trials = more.flatMap { Int(exactly: $0.rounded(.down)) }.map { $0 + course.done }
    }

    /// Every slot takes the next trial when it is free, and each takes the mean; running ones are part of the way there.
    private static func seconds(of remaining: Int, _ course: Course, _ mean: Double) -> Double {
        let slots = max(course.slots, course.running.count)
        // Of one whose beginning nobody saw half is left, for all that is known.
        var free = course.running.map { $0.map { max(0, mean - $0) } ?? mean / 2 }
        free += [Double](repeating: 0, count: slots - free.count)
        free.sort()
        let waiting = max(0, remaining - course.running.count)
        let (rounds, rest) = (waiting / slots, waiting % slots)
        return free.enumerated().map { $0.element + Double(rounds + ($0.offset < rest ? 1 : 0)) * mean }.max() ?? 0
    }

    /// - Parameter now: for the time of day at which it ends.
    func text(now: Timestamp) -> String {
        let each = "\(Format.shortDuration(meanSeconds)) a trial"
        let left = remaining.map { "\(Format.plural($0, "trial")) to go" }
        guard let seconds else {
            guard let left, let remaining, slots == 0 else { return "\(each); it goes on until it is stopped" }
            return "\(left) at \(each), about \(Format.duration(seconds: Double(remaining) * meanSeconds)) in one slot"
        }
        let at = "\(Format.duration(seconds: seconds)) (\(Self.clock(now, after: seconds)))"
        let basis = "\(Format.plural(slots, "slot")), \(each)"
        let by = trials.map { " with about \(Format.plural($0, "trial")) done" } ?? ""
        switch reason {
        case .time: return "its limit of time ends it in \(at)\(by); \(basis)"
        case .steps: return "its limit of steps ends it in about \(at)\(by); \(basis)"
        case .trials, .exhausted, .target, .noImprovement, .cancelled, .stopped:
            return "done in about \(at); \(left.map { "\($0), " } ?? "")\(basis)"
        }
    }

    /// The time of day, with the date where that is another one.
    private static func clock(_ now: Timestamp, after seconds: Double) -> String {
        guard seconds < 1e9 else { return "some day" }
        let end = Date(timeIntervalSince1970: Double(now.milliseconds) / 1000 + seconds)
        let today = Date(timeIntervalSince1970: Double(now.milliseconds) / 1000)
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.dateFormat = Calendar.current.isDate(end, inSameDayAs: today) ? "HH:mm" : "EEE d MMM HH:mm"
        return formatter.string(from: end)
    }

    func json(now: Timestamp) -> JSONValue {
        let end = seconds.flatMap { Int64(exactly: ($0 * 1000).rounded()) }.map { now.milliseconds + $0 }
        return .object([
            .init("seconds", JSONOutput.number(seconds)), .init("ends_at_ms", JSONOutput.integer(end)),
            .init("ended_by", .string(reason.rawValue)),
            .init("trials", JSONOutput.integer(trials.map(Int64.init))),
            .init("remaining", JSONOutput.integer(remaining.map(Int64.init))),
            .init("mean_trial_seconds", .number(meanSeconds)), .init("slots", JSONOutput.integer(slots)),
        ])
    }
}

extension Forecast.Course {
    /// From what is stored.
    init(of records: [TrialRecord], sweep: SweepRecord, slots: Int, now: Timestamp) {
        let own = records.filter { !$0.isContinuation }
        let timed = own.filter(\.isTimed)
        let running = own.filter { $0.state == .running || $0.state == .leased }
        self.init(
            total: sweep.definition.trials,
            done: own.count { $0.state.isOver && $0.state != .cancelled || $0.state == .paused },
            // Of a later attempt the beginning is not known, and what an earlier one did may have been lost.
            running: running.map { record in
                guard record.attempts == 1, let start = record.startedAt else { return nil }
                return max(0, Double(now.milliseconds - start.milliseconds) / 1000)
            },
            meanSeconds: timed.isEmpty ? nil : timed.compactMap(\.seconds).reduce(0, +) / Double(timed.count),
            slots: slots, elapsed: sweep.elapsed ?? .zero,
            steps: records.compactMap(\.lastStep).reduce(0) { $0.addingSaturated($1) },
            seconds: records.compactMap(\.seconds).reduce(0, +), limits: sweep.definition.limits)
    }
}

extension TrialRecord {
    /// Whether its seconds say how long a trial takes: it is over or paused, and was measured.
    var isTimed: Bool { (state.isOver || state == .paused) && state != .cancelled && seconds != nil }
}

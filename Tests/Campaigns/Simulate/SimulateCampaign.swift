// SPDX-License-Identifier: MIT

import Foundation
import TestSupport

/// simulate-campaign [--ledger FILE] [--commit NAME] [--count N] [--seconds S] [--threads N]: seeds that the ledger does
/// not have yet, until N have passed in all or S seconds are over.
///
/// Others: `--seeds FIRST N` (no ledger), `--crashes N` (at every step of N small configurations), `--hunt N` (until the
/// first problem, in at most N seeds and the crashes), `--trace FIRST N` (one digest a seed), `--journal SEED` (what was decided).
@main struct SimulateCampaign {
    private var words = Array(CommandLine.arguments.dropFirst())

    private func number(_ option: String, _ place: Int = 1) -> UInt64? {
        guard let at = words.firstIndex(of: option), words.indices.contains(at + place) else { return nil }
        return UInt64(words[at + place])
    }

    private func word(_ option: String) -> String? {
        guard let at = words.firstIndex(of: option), words.indices.contains(at + 1) else { return nil }
        return words[at + 1]
    }

    static func main() throws {
        exit(try SimulateCampaign().run() ? 0 : 1)
    }

    private func run() throws -> Bool {
        let campaign = Campaign(
            threads: Int(number("--threads") ?? UInt64(ProcessInfo.processInfo.activeProcessorCount)))
        if let first = number("--trace"), let count = number("--trace", 2) {
            for seed in first..<first + count {
                let world = World(seed: seed)
                world.run()
                print(seed, String(world.trace.value, radix: 16))
            }
            return true
        }
        if let seed = number("--journal") {
            let world = World(seed: seed)
            world.run()
            for line in world.journalLines { print(line) }
            print(world.problem ?? "no problem")
            return world.problem == nil
        }
        if let limit = number("--hunt") { return hunt(limit, campaign) }
        if let count = number("--crashes") { return crashes(count, campaign) }
        if let first = number("--seeds"), let count = number("--seeds", 2) { return seeds(first, count, campaign) }
        return try work(campaign)
    }

    private func describe(_ total: Campaign.Total, _ name: String, seconds: Double) {
        for problem in total.problems.prefix(20) { print("\(name): \(problem.words)") }
        let rate = Double(total.seeds) / max(seconds, 0.001)
        print(
            "\(name): \(total.seeds) runs in \(Int(seconds)) s, \(Int(rate * 10) / 10).\(Int(rate * 10) % 10) a second, "
                + "\(total.events) events, \(total.tally.total) faults, \(Int(total.virtualSeconds / 3600)) virtual hours, "
                + "\(total.problems.count) failed")
    }

    private func timed(_ body: () -> Campaign.Total) -> (Campaign.Total, Double) {
        let start = Date()
        let total = body()
        return (total, Date().timeIntervalSince(start))
    }

    private func seeds(_ first: UInt64, _ count: UInt64, _ campaign: Campaign) -> Bool {
        let (total, seconds) = timed { campaign.run(count) { World(seed: first + $0) } }
        describe(total, "simulate", seconds: seconds)
        print("simulate: \(total.tally.description)")
        // A simulation that does nothing cannot fail.
        let missing = count >= 1000 ? total.tally.missing : []
        if !missing.isEmpty { print("simulate: never happened: \(missing.joined(separator: ", "))") }
        return total.problems.isEmpty && missing.isEmpty
    }

    private func crashes(_ count: UInt64, _ campaign: Campaign) -> Bool {
        let (total, seconds) = timed { campaign.crashEverywhere(configurations: count) }
        describe(total, "crashes", seconds: seconds)
        return total.problems.isEmpty && total.seeds > 10 * count
    }

    /// For planted bugs: says in how many runs the first was found, and fails where none was.
    private func hunt(_ limit: UInt64, _ campaign: Campaign) -> Bool {
        var ran: UInt64 = 0
        while ran < limit {
            let first = ran
            let total = campaign.run(min(50, limit - ran), stopsAtFirst: true) { World(seed: first + $0) }
            if let problem = total.problems.first {
                print("caught \(problem.seed + 1) \(problem.words.prefix(300))")
                return true
            }
            ran += total.seeds
        }
        print("survived \(ran)")
        return false
    }

    private func work(_ campaign: Campaign) throws -> Bool {
        var ledger = Ledger(path: word("--ledger") ?? ".bench-cache/simulate.ledger")
        let commit = word("--commit") ?? "unknown"
        let goal = number("--count") ?? 200_000
        let deadline = number("--seconds").map { Date().addingTimeInterval(Double($0)) } ?? .distantFuture
        let regressions = campaign.run(UInt64(regressionSeeds.count)) { World(seed: regressionSeeds[Int($0)].seed) }
        guard regressions.problems.isEmpty else {
            describe(regressions, "regressions", seconds: 1)
            return false
        }
        let (sample, seconds) = timed { campaign.run(100) { World(seed: 1_000_000_000 + $0) } }
        let rate = Double(sample.seeds) / seconds
        let left = goal - min(goal, ledger.passed)
        print(
            "simulate: \(Int(rate * 60)) runs a minute; \(left) of \(goal) are left, \(Int(Double(left) / rate / 60)) min"
        )
        while ledger.passed < goal, Date() < deadline {
            let first = ledger.next
            let count = min(500, goal - ledger.passed)
            fflush(nil)
            let (total, seconds) = timed { campaign.run(count) { World(seed: first + $0) } }
            try ledger.append(
                first, count, commit: commit, isPassed: total.problems.isEmpty, faults: total.tally.total)
            if !total.problems.isEmpty {
                describe(total, "simulate", seconds: seconds)
                return false
            }
            if count >= 500, !total.tally.missing.isEmpty {
                print("simulate: seeds from \(first): never happened: \(total.tally.missing.joined(separator: ", "))")
            }
        }
        print("result: simulate_seeds=\(ledger.passed) simulate_faults=\(ledger.faults) simulate_violations=0")
        return true
    }
}

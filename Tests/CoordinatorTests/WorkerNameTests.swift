// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import Testing

@testable import Coordinator

/// A worker is called what `sweepd workers` prints.
@Suite struct WorkerNameTests {
    private let workers = [
        ("3566-abcd", 3566, nil), ("gpu1-0011", 12, "gpu1"), ("gpu1-2233", 13, "gpu1"), ("77-aaaa", 77, nil),
        ("77-bbbb", 77, nil), ("99-cccc", 99, nil), ("99-dddd", 5, "99"),
    ].map { (id: String, process: Int64, key: String?) in
        WorkerName(
            id: WorkerID(id),
            facts: WorkerFacts(agent: "a", host: "h", processID: process, slots: 1, isLocal: false, key: key))
    }

    @Test(arguments: [
        ("local 3566", ["3566-abcd"]), ("3566", ["3566-abcd"]), ("3566-abcd", ["3566-abcd"]),
        // One that came back with its key, and what it was before.
        ("gpu1", ["gpu1-0011", "gpu1-2233"]), ("gpu1-2233", ["gpu1-2233"]), ("local 99", ["99-cccc"]),
        ("77-bbbb", ["77-bbbb"]),
    ])
    func named(name: String, expected: [String]) throws {
        #expect(try WorkerName.find(name, among: workers).map(\.id.name) == expected)
    }

    /// A process's number says nothing of another machine's worker.
    @Test(arguments: ["", "12", "local 12", "local", "gpu", "local 3566 ", "nobody"]) func unknown(name: String) {
        #expect(throws: EngineError.unknownWorker(WorkerID(name))) { try WorkerName.find(name, among: workers) }
    }

    @Test(arguments: [
        ("77", "77-aaaa (local 77), 77-bbbb (local 77)"), ("local 77", "77-aaaa (local 77), 77-bbbb (local 77)"),
        ("99", "99-cccc (local 99), 99-dddd (99)"),
    ])
    func ambiguous(name: String, candidates: String) {
        #expect(throws: EngineError.refused("several workers are called '\(name)': name one of \(candidates)")) {
            try WorkerName.find(name, among: workers)
        }
    }
}

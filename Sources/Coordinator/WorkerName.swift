// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// What a user may call a worker.
struct WorkerName: Hashable {
    let id: WorkerID
    /// The name of the key it came in with.
    private let key: String?
    private let processID: String

    init(id: WorkerID, facts: WorkerFacts) {
        self.id = id
        key = facts.key
        processID = "\(facts.processID)"
    }

    /// As `sweepd workers` prints it.
    private var shown: String { key ?? "local \(processID)" }

    /// By its identity, which no two have; by the name that is shown; or by the process, for one of this machine.
    ///
    /// - Returns: more than one only where they share a key.
    static func find(_ name: String, among workers: [WorkerName]) throws(EngineError) -> [WorkerName] {
        if let worker = workers.first(where: { $0.id.name == name }) { return [worker] }
        let found = workers.filter { $0.shown == name || ($0.key == nil && $0.processID == name) }
        guard let first = found.first else { throw .unknownWorker(WorkerID(name)) }
        guard found.count == 1 || found.allSatisfy({ $0.key != nil && $0.key == first.key }) else {
            let candidates = found.map { "\($0.id.name) (\($0.shown))" }.sorted().joined(separator: ", ")
            throw .refused("several workers are called '\(name)': name one of \(candidates)")
        }
        return found
    }
}

// SPDX-License-Identifier: MIT

package import OrderedCollections
package import SweepModel

/// The workers in the order in which they joined, with what is asked of them as a whole after every message. That is kept
/// as they change: a message costs the same beside one worker and beside thousands.
package struct Roster: Sendable {
    private var states: OrderedDictionary<WorkerID, WorkerState> = [:]
    /// Of all that are connected.
    private(set) var slots = 0
    private(set) var capacity = 0
    /// Those that are connected and may hold more leases than they do, in no order.
    private(set) var open: Set<WorkerID> = []

    package subscript(worker: WorkerID) -> WorkerState? {
        get { states[worker] }
        _modify {
            let before = states[worker].map(Share.init) ?? Share()
            defer { tally(worker, before, states[worker].map(Share.init) ?? Share()) }
            yield &states[worker]
        }
    }

    /// Where it stands in the order.
    func place(of worker: WorkerID) -> Int? { states.index(forKey: worker) }

    package var keys: OrderedSet<WorkerID> { states.keys }
    package var values: OrderedDictionary<WorkerID, WorkerState>.Values { states.values }
    package var count: Int { states.count }
    package var isEmpty: Bool { states.isEmpty }

    package func filter(
        _ isIncluded: (OrderedDictionary<WorkerID, WorkerState>.Element) throws -> Bool
    ) rethrows -> OrderedDictionary<WorkerID, WorkerState> {
        try states.filter(isIncluded)
    }

    /// What one worker adds to the whole.
    private struct Share: Hashable {
        var slots = 0
        var capacity = 0
        var isOpen = false

        init() {}

        init(_ state: WorkerState) {
            if state.connection == nil { return }
            slots = state.facts.slots
            capacity = state.capacity
            isOpen = state.leases.count < capacity
        }
    }

    private mutating func tally(_ worker: WorkerID, _ before: Share, _ after: Share) {
        if before == after { return }
        slots += after.slots - before.slots
        capacity += after.capacity - before.capacity
        if after.isOpen {
            open.insert(worker)
        } else {
            open.remove(worker)
        }
    }
}

extension Roster {
    /// Whether what is kept is what counting would give: for the invariants.
    var isTrue: Bool {
        let shares = states.values.map(Share.init)
        return slots == shares.reduce(0) { $0 + $1.slots } && capacity == shares.reduce(0) { $0 + $1.capacity }
            && open == Set(states.filter { Share($0.value).isOpen }.keys)
    }
}

extension Roster: Sequence {
    package func makeIterator() -> OrderedDictionary<WorkerID, WorkerState>.Iterator { states.makeIterator() }
}

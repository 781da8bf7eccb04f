// SPDX-License-Identifier: MIT

/// What happens when, in virtual milliseconds; a binary heap. What is due at once happens in the order it was planned.
struct Agenda<Action> {
    private struct Entry {
        let at: Int64
        let order: UInt64
        /// Where the action lies, which is too large to be moved about in a heap.
        let place: Int
        func comes(before other: Entry) -> Bool { (at, order) < (other.at, other.order) }
    }

    private var heap: [Entry] = []
    private var actions: [Action?] = []
    private var free: [Int] = []
    private var nextOrder: UInt64 = 0

    mutating func plan(_ action: Action, at time: Int64) {
        let place: Int
        if let reused = free.popLast() {
            place = reused
            actions[place] = action
        } else {
            place = actions.count
            actions.append(action)
        }
        heap.append(Entry(at: time, order: nextOrder, place: place))
        nextOrder += 1
        var child = heap.count - 1
        while child > 0, heap[child].comes(before: heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    var nextTime: Int64? { heap.first?.at }

    mutating func next() -> (at: Int64, action: Action)? {
        guard let first = heap.first, let action = actions[first.place].take() else { return nil }
        free.append(first.place)
        let last = heap.removeLast()
        if heap.isEmpty { return (first.at, action) }
        heap[0] = last
        var parent = 0
        while true {
            var least = 2 * parent + 1
            if least >= heap.count { break }
            if least + 1 < heap.count, heap[least + 1].comes(before: heap[least]) { least += 1 }
            guard heap[least].comes(before: heap[parent]) else { break }
            heap.swapAt(parent, least)
            parent = least
        }
        return (first.at, action)
    }
}

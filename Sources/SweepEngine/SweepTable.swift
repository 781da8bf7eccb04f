// SPDX-License-Identifier: MIT

package import SweepModel

/// The sweeps in the order of their launch; none is ever taken out. Each is read and changed where it lies: one event
/// does either several times, and a sweep's state is large to move.
package struct SweepTable: Sendable {
    package private(set) var keys: [SweepID] = []
    private var states: [SweepState?] = []
    private var places: [SweepID: Int] = [:]

    package subscript(sweep: SweepID) -> SweepState? {
        _read {
            if let place = places[sweep] { yield states[place] } else { yield nil }
        }
        _modify {
            if let place = places[sweep] {
                yield &states[place]
            } else {
                var fresh: SweepState?
                yield &fresh
                if fresh != nil { add(sweep, fresh) }
            }
        }
    }

    private mutating func add(_ sweep: SweepID, _ state: SweepState?) {
        places[sweep] = keys.count
        keys.append(sweep)
        states.append(state)
    }

    package var values: some Sequence<SweepState> { states.lazy.compactMap(\.self) }
    package var count: Int { keys.count }
    package var isEmpty: Bool { keys.isEmpty }
}

extension SweepTable: Sequence {
    package func makeIterator() -> some IteratorProtocol<(key: SweepID, value: SweepState)> {
        keys.indices.lazy.compactMap { place in states[place].map { (key: keys[place], value: $0) } }.makeIterator()
    }
}

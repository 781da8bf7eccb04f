// SPDX-License-Identifier: MIT

/// Losses of trials, best first; equals in the order in which they came.
///
/// A sorted array: finding a rank takes O(log n), an insertion moves 16 bytes for every worse entry, which at 10,000
/// entries is a few microseconds.
struct Ranking: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        /// Finite.
        let loss: Double
        let trial: Int
    }

    private(set) var entries: [Entry] = []

    var count: Int { entries.count }

    mutating func insert(_ loss: Double, _ trial: Int) {
        entries.insert(Entry(loss: loss, trial: trial), at: firstIndex { $0 > loss })
    }

    /// Removes the trial's entry; nothing happens when there is none of that loss.
    mutating func remove(_ loss: Double, _ trial: Int) {
        var index = firstIndex { $0 >= loss }
        while index < entries.count, entries[index].loss == loss {
            if entries[index].trial == trial {
                entries.remove(at: index)
                return
            }
            index += 1
        }
    }

    /// How many are strictly better.
    func better(than loss: Double) -> Int {
        firstIndex { $0 >= loss }
    }

    /// The first trials of the ranking.
    func leaders(_ count: Int) -> [Int] {
        entries.prefix(count).map(\.trial)
    }

    /// The first entry whose loss fulfils what all worse ones fulfil too.
    private func firstIndex(where isBeyond: (Double) -> Bool) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if isBeyond(entries[middle].loss) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

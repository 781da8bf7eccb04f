// SPDX-License-Identifier: MIT

/// The word of `words` that `written` is most likely a misspelling of; the first of equals. Nil when none is close.
package func nearestWord(to written: String, in words: [String]) -> String? {
    let target = Array(written.lowercased().utf8)
    // A name that long is no typing slip, and the distance costs its square.
    guard !target.isEmpty, target.count <= 40 else { return nil }
    let allowed = target.count <= 3 ? 1 : target.count <= 6 ? 2 : 3
    var best: (word: String, distance: Int)?
    for word in words.prefix(1000) {
        let candidate = Array(word.lowercased().utf8)
        guard abs(candidate.count - target.count) <= allowed else { continue }
        let distance = editDistance(target, candidate)
        // A word that shares no letter with what was written is not near, however short both are.
        guard distance <= allowed, distance < max(target.count, candidate.count) else { continue }
        if best.map({ distance < $0.distance }) ?? true { best = (word, distance) }
    }
    if best?.distance == 1 || target.count < shortestBeginning { return best?.word }
    // Half of a word is nearer to it than two letters are to another.
    let whole = words.prefix(1000).first { $0.utf8.count > target.count && $0.lowercased().utf8.starts(with: target) }
    return whole ?? best?.word
}

/// Fewer letters begin too many words.
private let shortestBeginning = 4

/// Insertions, deletions, replacements and swaps of neighbours that turn one into the other (optimal string alignment).
package func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
    var beforePrevious = [Int](repeating: 0, count: right.count + 1)
    var previous = Array(0...right.count)
    for (row, byte) in left.enumerated() {
        var current = [row + 1]
        for (column, other) in right.enumerated() {
            var cost = min(previous[column] + (byte == other ? 0 : 1), previous[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
                cost = min(cost, beforePrevious[column - 1] + 1)
            }
            current.append(cost)
        }
        beforePrevious = previous
        previous = current
    }
    return previous[right.count]
}

// SPDX-License-Identifier: MIT

extension SweepFileReader {
    /// The file's order, each parameter moved behind those its conditions name; nil after reporting a circle.
    ///
    /// The order is also stable under regrouping into nested blocks, which is how the canonical text writes a space:
    /// Sobol's dimensions are numbered by it, so a definition and its canonical text must agree.
    mutating func ordered(_ parameters: [WrittenParameter]) -> [WrittenParameter]? {
        var order = parameters
        // Each pass only moves a block towards its first member; a handful of passes settles any real file.
        for _ in 0..<16 {
            guard let next = sorted(order) else { return nil }
            let regrouped = Self.grouped(next, depth: 0)
            guard let settled = sorted(regrouped) else { return nil }
            let isStable = settled.map(\.parameter.path) == next.map(\.parameter.path)
            order = settled
            if isStable { break }
        }
        return order
    }

    /// Members of one block side by side, blocks in the order of their first members, at every level.
    private static func grouped(_ parameters: [WrittenParameter], depth: Int) -> [WrittenParameter] {
        var blocks: [(key: String, members: [WrittenParameter])] = []
        var places: [String: Int] = [:]
        for written in parameters {
            let path = written.parameter.path
            // A leaf stands alone; it never shares its key with a block, as names of a mapping are unique.
            let key = path[depth]
            if let place = places[key] {
                blocks[place].members.append(written)
            } else {
                places[key] = blocks.count
                blocks.append((key, [written]))
            }
        }
        return blocks.flatMap { block in
            block.members.allSatisfy { $0.parameter.path.count > depth + 1 }
                ? grouped(block.members, depth: depth + 1) : block.members
        }
    }

    /// Each parameter behind those its conditions name; nil after reporting a circle.
    mutating func sorted(_ parameters: [WrittenParameter]) -> [WrittenParameter]? {
        var places: [String: Int] = [:]
        for (index, written) in parameters.enumerated() { places[written.parameter.name] = index }
        var sorted: [WrittenParameter] = []
        var isPlaced = [Bool](repeating: false, count: parameters.count)
        for start in parameters.indices where !isPlaced[start] {
            // Depth first with a stack of our own: a chain of conditions may be as long as the file.
            var stack = [(index: start, next: 0)]
            var isOpen: Set<Int> = [start]
            while let top = stack.last {
                let written = parameters[top.index]
                let conditions = written.parameter.conditions
                guard top.next < conditions.count else {
                    stack.removeLast()
                    isOpen.remove(top.index)
                    if !isPlaced[top.index] { sorted.append(written) }
                    isPlaced[top.index] = true
                    continue
                }
                stack[stack.count - 1].next += 1
                guard let parent = places[conditions[top.next].parent], !isPlaced[parent] else { continue }
                guard isOpen.insert(parent).inserted else {
                    let chain = stack.map(\.index).drop { $0 != parent } + [parent]
                    let names = chain.map { parameters[$0].parameter.name }.joined(separator: " → ")
                    error(parameters[parent].node, "its conditions go round in a circle: \(names)")
                    return nil
                }
                stack.append((parent, 0))
            }
        }
        return sorted
    }
}

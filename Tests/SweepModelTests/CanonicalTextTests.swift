// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@Suite struct CanonicalTextTests {
    @Test(arguments: Fixtures.all)
    func comesBackEqual(_ text: String) throws {
        let definition = try read(text, overrides: .init(defaultSeed: .max - 3, defaultName: "a \"name\" é")).definition
        let canonical = definition.canonicalText
        #expect(try read(canonical).definition == definition)
        #expect(try read(canonical).definition.canonicalText == canonical)
        #expect(throws: Never.self) { try JSONValue.parse(canonical) }
    }

    @Test func isTheTextItWas() throws {
        let definition = try read(Fixtures.wandbGrid, overrides: .init(defaultSeed: 5, defaultName: "g")).definition
        #expect(
            definition.canonicalText == """
                {"name":"g","method":"grid","metric":{"name":"val_loss","goal":"minimize","summary":"best"},"seed":5,\
                "parameters":{"batch_size":{"values":[16,32,64]},"epochs":{"value":5},\
                "layers":{"distribution":"int_uniform","min":1,"max":4},\
                "dropout":{"distribution":"q_uniform","min":0.0,"max":0.5,"q":0.1}},\
                "command":["${env}","${interpreter}","${program}","${args}"],"program":"train.py","retries":0,"repeats":1,\
                "order":"coarse","grace":"30s"}
                """)
    }

    /// Blocks and conditions in random order: the order of the space, which numbers Sobol's dimensions, comes back.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func theOrderOfRandomSpacesComesBack(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var blocks: [(name: String, members: [String])] = ["", "a", "b", "c"].map { ($0, []) }
        let count = Int.random(in: 2...14, using: &random)
        var names: [String] = []
        for index in 0..<count {
            let block = Int.random(in: 0..<blocks.count, using: &random)
            let parents = names.shuffled(using: &random).prefix(Int.random(in: 0...2, using: &random))
            let when = parents.isEmpty ? "" : ", when: {" + parents.map { "\($0): 1" }.joined(separator: ", ") + "}"
            let member = "p\(index): {values: [1, 2]\(when)}"
            // In front, so that parents stand behind their children.
            blocks[block].members.insert(member, at: 0)
            names.append(blocks[block].name.isEmpty ? "p\(index)" : "\(blocks[block].name).p\(index)")
        }
        let body = blocks.shuffled(using: &random).compactMap { block -> String? in
            if block.members.isEmpty { return nil }
            if block.name.isEmpty { return block.members.joined(separator: "\n") }
            return "\(block.name): {parameters: {\(block.members.joined(separator: ", "))}}"
        }
        let definition = try read(parameters(body.joined(separator: "\n"))).definition
        #expect(definition.space.parameters.count == count)
        var seen: Set<String> = []
        for parameter in definition.space.parameters {
            #expect(parameter.conditions.allSatisfy { seen.contains($0.parent) }, "seed \(seed)")
            seen.insert(parameter.name)
        }
        #expect(try read(definition.canonicalText).definition == definition, "seed \(seed)")
    }
}

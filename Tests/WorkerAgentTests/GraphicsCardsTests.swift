// SPDX-License-Identifier: MIT

import Testing

@testable import WorkerAgent

@Suite struct GraphicsCardsTests {
    @Test(arguments: [
        (["0", "1", "2", "3"], 1, ["0", "1", "2", "3"], []), (["0", "1", "2", "3"], 2, ["0,1", "2,3"], []),
        (["0", "1", "2", "3", "4"], 2, ["0,1", "2,3"], ["4"]), (["4", "6", "7"], 3, ["4,6,7"], []),
        (["GPU-8a1f", "GPU-90b2"], 2, ["GPU-8a1f,GPU-90b2"], []), (["MIG-1", "MIG-2"], 1, ["MIG-1", "MIG-2"], []),
    ])
    func slotsHaveTheirOwnCards(cards: [String], perSlot: Int, expected: [String], unused: [String]) throws {
        let divided = try GraphicsCards(cards: cards, perSlot: perSlot)
        #expect(divided.slots == expected.count)
        #expect((0..<expected.count).map { divided.visible(to: $0) } == expected)
        #expect(divided.visible(to: expected.count) == nil)
        #expect(divided.visible(to: -1) == nil)
        #expect(divided.unused == unused)
    }

    @Test func withoutCardsNothingIsLimitedOrSet() throws {
        let none = try GraphicsCards(cards: [])
        #expect(none.slots == nil)
        #expect(none.visible(to: 0) == nil)
        #expect(none.unused.isEmpty)
    }

    @Test(arguments: [
        ([], 2, "a slot takes 2 GPUs, and there is none"), (["0"], 2, "a slot takes 2 GPUs, and there is only one (0)"),
        (["0", "2", "3"], 4, "a slot takes 4 GPUs, and there are only 3 (0, 2, 3)"),
        (["0"], 0, "0 GPUs per slot: expected 1 or more"),
    ])
    func tooFewAreRefused(cards: [String], perSlot: Int, message: String) {
        let failure = #expect(throws: GPUSelection.Failure.self) { try GraphicsCards(cards: cards, perSlot: perSlot) }
        #expect(failure?.description == message)
    }

    @Test(arguments: [
        ("0,1", ["0", "1"]), ("2, 3", ["2", "3"]), ("GPU-8a1f,GPU-90b2", ["GPU-8a1f", "GPU-90b2"]),
        ("MIG-3c", ["MIG-3c"]), ("0,-1,1", ["0"]), ("-1", []), ("", []), ("NoDevFiles", []), ("0,0", []),
    ])
    func theEnvironmentsListIsReadAsCUDAReadsIt(text: String, expected: [String]) {
        #expect(GPUSelection.automatic.resolved(environment: ["CUDA_VISIBLE_DEVICES": text]) == expected)
    }
}

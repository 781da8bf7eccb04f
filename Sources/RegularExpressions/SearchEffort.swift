// SPDX-License-Identifier: MIT

import CPCRE2

/// What the search of one text may cost.
package struct SearchEffort {
    /// Of the pattern's items tried; sixteen characters that one passes over count as one more.
    package let steps: Int
    /// Asked at least every 64 steps. A step is quick, except where it passes over much and then fails: a back reference,
    /// a repeat that must be long.
    package let isOver: () -> Bool

    package init(steps: Int, isOver: @escaping () -> Bool) {
        self.steps = steps
        self.isOver = isOver
    }
}

/// Counts what a search does.
struct StepCounter {
    private var stepsLeft: Int
    private var stepsToLook = interval
    private var position = 0
    private let isOver: () -> Bool

    private static let interval = 64

    init(_ effort: SearchEffort) {
        stepsLeft = effort.steps
        isOver = effort.isOver
    }

    /// Whether the search may go on with the item at this place of the text.
    mutating func mayGoOn(at place: Int) -> Bool {
        let cost = 1 + (place - position).magnitude / 16
        position = place
        stepsLeft -= Int(cost)
        stepsToLook -= Int(cost)
        if stepsLeft < 0 { return false }
        if stepsToLook > 0 { return true }
        stepsToLook = Self.interval
        return !isOver()
    }

    /// For `pcre2_set_callout`; the data is a pointer to a counter.
    static let callout:
        @convention(c) (UnsafeMutablePointer<pcre2_callout_block_8>?, UnsafeMutableRawPointer?) -> CInt =
            { block, data in
                guard let block = unsafe block, let data = unsafe data else { return PCRE2_ERROR_CALLOUT }
                let counter = unsafe data.assumingMemoryBound(to: StepCounter.self)
                let place = unsafe block.pointee.current_position
                return unsafe counter.pointee.mayGoOn(at: place) ? 0 : PCRE2_ERROR_CALLOUT
            }
}

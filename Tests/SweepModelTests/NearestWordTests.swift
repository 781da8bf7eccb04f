// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@Suite struct NearestWordTests {
    @Test(arguments: [
        ("val_los", ["loss", "val_loss"], "val_loss"), ("trian.py", ["train.py", "data.csv"], "train.py"),
        ("loss", ["accuracy"], nil), ("Loss", ["loss"], "loss"), ("", ["a"], nil),
    ])
    func findsTheLikelyMisspelling(word: String, candidates: [String], expected: String?) {
        #expect(nearestWord(to: word, in: candidates) == expected)
    }
}

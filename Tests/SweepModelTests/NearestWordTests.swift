// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@Suite struct NearestWordTests {
    @Test(arguments: [
        ("val_los", ["loss", "val_loss"], "val_loss"), ("trian.py", ["train.py", "data.csv"], "train.py"),
        ("loss", ["accuracy"], nil), ("Loss", ["loss"], "loss"), ("", ["a"], nil),
        // A beginning, unless one letter makes it another.
        ("best", ["last", "best+last", "all"], "best+last"), ("unif", ["unit", "uniform"], "unit"),
        ("opt", ["optimizer"], nil), ("optim", ["optimizer"], "optimizer"),
    ])
    func findsTheLikelyMisspelling(word: String, candidates: [String], expected: String?) {
        #expect(nearestWord(to: word, in: candidates) == expected)
    }
}

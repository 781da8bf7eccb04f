// SPDX-License-Identifier: MIT

import Simulation
import SweepEngine
import SweepModel
import Testing

/// A small sweep and a table of all its configurations, in which `lr` near 0.01 and more `units` are better.
enum SyntheticTable {
    static let rates = ["0.0001", "0.001", "0.01", "0.1"]
    static let widths = [16, 32, 64]

    static func definition(_ changes: String = "", method: String = "random") throws -> SweepDefinition {
        let text = """
            name: synthetic
            method: \(method)
            metric: {name: loss}
            seed: 7
            parameters:
              lr: {values: [0.0001, 0.001, 0.01, 0.1]}
              units: {values: [16, 32, 64]}
            command: [train]
            \(changes)
            """
        return try SweepFile.parse(text, file: "sweep.yaml").definition
    }

    static func loss(_ rate: Int, _ width: Int, seed: Int, step: Int) -> Double {
        let end = 0.1 + 0.2 * Double(abs(rate - 2)) + 0.05 * Double(2 - width) + 0.001 * Double(seed)
        return end + 1 / Double(step)
    }

    /// - Parameter seconds: of a step; nil leaves the column out.
    static func text(steps: Int = 9, seeds: [Int] = [0], seconds: ((Int, Int) -> Double)? = nil) -> String {
        var lines = ["lr,units,seed,step,loss,accuracy" + (seconds == nil ? "" : ",seconds")]
        for (rate, lr) in rates.enumerated() {
            for (width, units) in widths.enumerated() {
                for seed in seeds {
                    for step in 1...steps {
                        let cells = "\(lr),\(units),\(seed),\(step),\(loss(rate, width, seed: seed, step: step)),x"
                        lines.append(cells + (seconds.map { ",\($0(rate, width))" } ?? ""))
                    }
                }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    static func read(_ text: String, _ definition: SweepDefinition? = nil) throws -> CurveTable {
        let definition = try definition ?? self.definition()
        return try CurveTable.read(Array(text.utf8), for: definition)
    }
}

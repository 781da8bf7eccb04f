// SPDX-License-Identifier: MIT

import SweepModel
import Testing

/// Reads a file and fails the test with its errors.
func read(
    _ text: String, overrides: SweepFile.Overrides = .init(), at location: SourceLocation = #_sourceLocation
) throws -> SweepFile {
    do {
        return try SweepFile.parse(text, file: "sweep.yaml", overrides: overrides)
    } catch {
        Issue.record("\(error)", sourceLocation: location)
        throw error
    }
}

/// The descriptions of a file's errors; none when it is valid.
func errors(in text: String, overrides: SweepFile.Overrides = .init()) -> [String] {
    do {
        _ = try SweepFile.parse(text, file: "sweep.yaml", overrides: overrides)
        return []
    } catch {
        return error.errors.map(\.description)
    }
}

/// A sweep of one parameter `x`, which stands on line 5 with its keys in `body`.
func oneParameter(_ body: String, method: String = "random") -> String {
    """
    method: \(method)
    metric: {name: loss}
    trials: 10
    parameters:
      x: {\(body)}
    command: [python, train.py]
    """
}

/// A sweep of the parameters in `body`, whose first line is line 5 and which is not indented.
func parameters(_ body: String, rest: String = "", method: String = "random") -> String {
    let indented = body.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")
    return "method: \(method)\nmetric: {name: loss}\ntrials: 10\nparameters:\n\(indented)\ncommand: [train]\n\(rest)\n"
}

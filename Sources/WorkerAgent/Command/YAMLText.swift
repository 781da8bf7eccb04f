// SPDX-License-Identifier: MIT

import SweepModel

/// Values as YAML 1.1 readers (PyYAML) take them, on one line.
enum YAMLText {
    static func value(_ value: JSONValue) -> String {
        switch value {
        case .null, .bool, .integer, .string: value.text
        case .number(let number): self.number(number)
        case .array(let values): "[" + values.map { self.value($0) }.joined(separator: ", ") + "]"
        case .object(let members):
            "{" + members.map { "\(JSONValue.string($0.name).text): \(self.value($0.value))" }.joined(separator: ", ")
                + "}"
        }
    }

    /// PyYAML takes `1e-05` for a string: a float needs its point.
    private static func number(_ number: Double) -> String {
        if number.isNaN { return ".nan" }
        if number.isInfinite { return number < 0 ? "-.inf" : ".inf" }
        let text = number.description
        return text.contains(".") ? text : text.replacing("e", with: ".0e")
    }
}

// SPDX-License-Identifier: MIT

/// The values of a trial's active parameters, in the order of the search space.
package struct Configuration: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let name: String
        package let value: JSONValue
        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    package let entries: [Entry]

    package init(_ entries: [Entry]) {
        self.entries = entries
    }

    package subscript(_ name: String) -> JSONValue? {
        entries.first { $0.name == name }?.value
    }

    /// A flat object: dotted name to value.
    package var json: JSONValue {
        .object(entries.map { JSONValue.Member($0.name, $0.value) })
    }
}

// SPDX-License-Identifier: MIT

/// A sweep's parameters, each after all those its conditions name.
package struct SearchSpace: Hashable, Sendable {
    package let parameters: [Parameter]

    /// - Precondition: names are unique and every condition names an earlier parameter. The sweep file's reader
    ///   guarantees both.
    package init(_ parameters: [Parameter]) {
        self.parameters = parameters
    }

    package func index(of name: String) -> Int? {
        parameters.firstIndex { $0.name == name }
    }
}

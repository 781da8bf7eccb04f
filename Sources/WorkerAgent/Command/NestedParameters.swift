// SPDX-License-Identifier: MIT

package import SweepModel

/// A configuration as a script sees it: `optimizer.lr` is member `lr` of `optimizer`.
package enum NestedParameters {
    /// The members in the order their first component appears. A name that cannot be nested (an empty component, or a
    /// value where its parent would stand) stays as it is.
    package static func members(of configuration: Configuration) -> [JSONValue.Member] {
        var root: [JSONValue.Member] = []
        for entry in configuration.entries {
            let path = entry.name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            if path.count == 1 || path.contains("") || !insert(entry.value, at: path[...], into: &root) {
                root.append(JSONValue.Member(entry.name, entry.value))
            }
        }
        return root
    }

    private static func insert(
        _ value: JSONValue, at path: ArraySlice<String>, into members: inout [JSONValue.Member]
    ) -> Bool {
        guard let name = path.first else { return false }
        let index = members.firstIndex { $0.name == name }
        if path.count == 1 {
            guard index == nil else { return false }
            members.append(JSONValue.Member(name, value))
            return true
        }
        guard let index else {
            var inner: [JSONValue.Member] = []
            guard insert(value, at: path.dropFirst(), into: &inner) else { return false }
            members.append(JSONValue.Member(name, .object(inner)))
            return true
        }
        guard case .object(var inner) = members[index].value, insert(value, at: path.dropFirst(), into: &inner) else {
            return false
        }
        members[index] = JSONValue.Member(name, .object(inner))
        return true
    }
}

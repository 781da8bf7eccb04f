// SPDX-License-Identifier: MIT

package import SweepModel

/// What is wrong with a configuration that came from outside.
package struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
}

extension SearchSpace {
    /// Reads a configuration from an object of parameters' values: exactly the active ones, each a value that its
    /// distribution can have. Constants and the order of the members do not matter; 3 and 3.0 are the same number.
    ///
    /// - Throws: which parameter is wrong and what was expected.
    package func configuration(reading json: JSONValue) throws(ConfigurationError) -> Configuration {
        guard case .object(let members) = json else {
            throw ConfigurationError(description: "params must be an object of parameters' values")
        }
        for member in members where index(of: member.name) == nil {
            let hint = nearestWord(to: member.name, in: parameters.map(\.name)).map { "; did you mean '\($0)'?" }
            throw ConfigurationError(description: "there is no parameter '\(member.name)'\(hint ?? "")")
        }
        var entries: [Configuration.Entry] = []
        for parameter in parameters {
            let written = members.last { $0.name == parameter.name }?.value
            guard isActive(parameter, given: entries) else {
                if written == nil { continue }
                throw ConfigurationError(description: "'\(parameter.name)' is not active with these values")
            }
            if case .constant(let value) = parameter.distribution, written == nil {
                entries.append(Configuration.Entry(parameter.name, value))
                continue
            }
            guard let written else { throw ConfigurationError(description: "'\(parameter.name)' is missing") }
            guard let value = parameter.distribution.value(reading: written) else {
                throw ConfigurationError(
                    description: "'\(parameter.name)' cannot be \(written.text): \(parameter.distribution.expectation)")
            }
            entries.append(Configuration.Entry(parameter.name, value))
        }
        return Configuration(entries)
    }
}

extension Distribution {
    /// The value of this distribution that is written so; nil when it has no such value.
    fileprivate func value(reading written: JSONValue) -> JSONValue? {
        if let levels, let index = levels.index(of: written) { return levels.value(index) }
        guard case .real(let law, let quantum) = self, levels == nil, let number = written.numericValue,
            number.isFinite
        else { return nil }
        if let support = law.support, number < support.low || number > support.high { return nil }
        return quantum.map { $0.rounded(number, within: nil) } ?? .number(number)
    }

    fileprivate var expectation: String {
        switch self {
        case .constant(let value):
            return "it is the constant \(value.text)"
        case .categorical(let values, _, _):
            return "expected one of \(values.prefix(8).map(\.text).joined(separator: ", "))"
                + (values.count > 8 ? ", …" : "")
        case .integer(let low, let high, let step, _):
            return "expected a whole number from \(low) to \(high)" + (step > 1 ? " in steps of \(step)" : "")
        case .real(let law, let quantum):
            let range = law.support.map { " from \($0.low) to \($0.high)" } ?? ""
            return "expected a number\(range)" + (quantum == nil ? "" : " on its steps")
        }
    }
}

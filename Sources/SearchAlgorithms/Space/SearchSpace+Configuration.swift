// SPDX-License-Identifier: MIT

package import SweepModel

extension SearchSpace {
    /// Whether each of the parameter's conditions holds for the entries of the parameters before it.
    package func isActive(_ parameter: Parameter, given entries: [Configuration.Entry]) -> Bool {
        parameter.conditions.allSatisfy { condition in
            guard let parent = entries.first(where: { $0.name == condition.parent }) else { return false }
            return condition.admits(parent.value)
        }
    }

    /// The configuration that a number in [0, 1) for each parameter, asked for by the parameter's place in the space,
    /// makes. Parents come first, inactive parameters are left out and not asked for.
    package func configuration(from u: (Int) -> Double) -> Configuration {
        var entries: [Configuration.Entry] = []
        entries.reserveCapacity(parameters.count)
        for (place, parameter) in parameters.enumerated() where isActive(parameter, given: entries) {
            entries.append(Configuration.Entry(parameter.name, parameter.distribution.value(at: u(place))))
        }
        return Configuration(entries)
    }

    /// How many different configurations there are; nil when they are infinitely many, or too many to exhaust
    /// (`Cells.defaultLimit`).
    package var cardinality: Int? {
        Cells(self)?.count
    }
}

extension Parameter.Condition {
    func admits(_ value: JSONValue) -> Bool {
        let value = value.canonical
        return values.contains { $0.canonical == value }
    }
}

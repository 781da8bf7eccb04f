// SPDX-License-Identifier: MIT

/// Which workers may run a sweep's trials, and how urgent the sweep is beside others.
package struct Placement: Hashable, Sendable {
    /// One of the tasks that workers declare in their own configuration. Workers that run commands run the sweep's.
    package var task: String?
    /// Labels that a worker must have, all of them.
    package var requires: [String]
    /// Sweeps of a higher priority get free slots first; among equals each gets its share.
    package var priority: Int

    package init(task: String? = nil, requires: [String] = [], priority: Int = 0) {
        self.task = task
        self.requires = requires
        self.priority = priority
    }

    package static let priorities: ClosedRange<Int64> = -1000...1000
    package static let maximumLabels = 32
    /// The label of every worker that came in over the network, and of no other.
    package static let elsewhere = "elsewhere"
    /// Bytes of a label's or a task's name.
    package static let nameBytes = 64

    /// Names of labels and tasks are words, so that they can stand in a command line and in a table.
    package static func isName(_ text: String) -> Bool {
        let first = text.utf8.first ?? UInt8(ascii: "-")
        return (1...nameBytes).contains(text.utf8.count) && first != UInt8(ascii: "-")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"),
                    UInt8(ascii: "="), UInt8(ascii: ":"):
                    true
                default: false
                }
            }
    }
}

/// What a worker says it can run.
package struct WorkerOffer: Hashable, Sendable {
    package struct Task: Hashable, Sendable {
        package let name: String
        /// SHA-256 of its declaration on the worker: two workers that differ in it run different things by one name.
        package let digest: String
        package init(name: String, digest: String) {
            self.name = name
            self.digest = digest
        }
    }

    package var labels: [String]
    /// What its own configuration declares.
    package var tasks: [Task]
    /// Whether it runs the commands that leases carry.
    package var runsCommands: Bool
    /// Whether it brings a function of its own, to which a sweep's command is of no account.
    package var hasFunction: Bool

    package init(labels: [String] = [], tasks: [Task] = [], runsCommands: Bool = true, hasFunction: Bool = true) {
        self.labels = labels
        self.tasks = tasks
        self.runsCommands = runsCommands
        self.hasFunction = hasFunction
    }

    /// Whether a trial of the sweep may be leased to the worker.
    package func suits(_ definition: SweepDefinition) -> Bool {
        guard definition.placement.requires.allSatisfy(labels.contains) else { return false }
        if runs(definition.placement.task) { return true }
        return hasFunction || (runsCommands && !definition.command.isEmpty)
    }

    /// Whether the worker declares the task itself.
    package func runs(_ task: String?) -> Bool {
        guard let task else { return false }
        return tasks.contains { $0.name == task }
    }
}

extension SweepDefinition {
    /// Why no trial of it can begin; nil where one of the workers may run them.
    ///
    /// - Parameter offers: of all workers that are attached.
    package func shortage(_ offers: [WorkerOffer]) -> String? {
        if offers.isEmpty { return "no worker is attached" }
        if offers.contains(where: { $0.suits(self) }) { return nil }
        let required = placement.requires.filter { $0 != Placement.elsewhere }
        let place = required.count < placement.requires.count ? " on another machine" : ""
        let labels = required.isEmpty ? "" : " with the labels \(required.joined(separator: ", "))"
        let ways = [placement.task.map { "declares the task '\($0)'" }, command.isEmpty ? nil : "runs commands"]
        let known = ways.compactMap(\.self)
        let what = known.isEmpty ? "brings a function of its own" : known.joined(separator: " or ")
        return "no attached worker\(place)\(labels) \(what)"
    }
}

extension WorkerOffer {
    /// As a worker says it and the journal has it.
    package var members: [JSONValue.Member] {
        [
            .init("labels", .array(labels.map { .string($0) })),
            .init("tasks", .object(tasks.map { .init($0.name, .string($0.digest)) })),
            .init("commands", .bool(runsCommands)), .init("function", .bool(hasFunction)),
        ]
    }

    package var json: JSONValue { .object(members) }

    /// Reads what `json` wrote; nil for anything else.
    package init?(json: JSONValue) {
        guard case .array(let labels)? = json["labels"], case .object(let tasks)? = json["tasks"],
            case .bool(let commands)? = json["commands"], case .bool(let function)? = json["function"]
        else { return nil }
        self.init(
            labels: labels.compactMap(\.stringValue),
            tasks: tasks.compactMap { member in member.value.stringValue.map { Task(name: member.name, digest: $0) } },
            runsCommands: commands, hasFunction: function)
    }
}

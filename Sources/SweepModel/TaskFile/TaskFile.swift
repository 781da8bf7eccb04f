// SPDX-License-Identifier: MIT

/// What a worker's owner lets coordinators elsewhere have run: commands by name. A lease brings a task's name and
/// parameters and never a command.
///
/// ```yaml
/// tasks:
///   digits:
///     command: ["${interpreter}", train.py, "${args}"]
///     directory: /home/me/digits
///     env: {OMP_NUM_THREADS: "4"}
/// ```
package struct TaskDeclaration: Hashable, Sendable {
    package struct Variable: Hashable, Sendable {
        package let name: String
        package let value: String
        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package let name: String
    /// As in a sweep file, macros unexpanded.
    package let command: [String]
    package let program: String?
    /// Where it runs; relative to the file.
    package let directory: String
    /// Beside what the worker was started with.
    package let environment: [Variable]

    package init(
        name: String, command: [String], program: String?, directory: String, environment: [Variable]
    ) {
        self.name = name
        self.command = command
        self.program = program
        self.directory = directory
        self.environment = environment
    }

    /// The same in that folder.
    package func placed(in directory: String) -> TaskDeclaration {
        TaskDeclaration(
            name: name, command: command, program: program, directory: directory, environment: environment)
    }

    /// What its digest is of.
    package var json: JSONValue {
        .object([
            .init("command", .array(command.map { .string($0) })),
            .init("program", program.map { .string($0) } ?? .null), .init("directory", .string(directory)),
            .init("env", .object(environment.map { .init($0.name, .string($0.value)) })),
        ])
    }
}

package enum TaskFile {
    package static let maximumTasks = 256

    /// - Throws: every error of the text at once.
    package static func parse(_ text: String, file: String) throws(SweepFileErrors) -> [TaskDeclaration] {
        var reader = SweepFileReader(file: file)
        let tasks = reader.tasks(from: text)
        let errors = reader.sorted(.error)
        guard errors.isEmpty else { throw SweepFileErrors(errors: errors, warnings: reader.sorted(.warning)) }
        return tasks
    }
}

extension SweepFileReader {
    fileprivate mutating func tasks(from text: String) -> [TaskDeclaration] {
        let start = YAMLPosition(line: 1, column: 1)
        let root: YAMLNode
        do {
            guard let read = try YAMLReader.read(text).root else {
                error(start, .root, "the file is empty; it needs tasks: {name: {command: [...]}}")
                return []
            }
            root = read
        } catch {
            self.error(error.position, error.path, error.message)
            return []
        }
        guard mapping(root, keys: ["tasks"]) != nil, let node = required("tasks", of: root, known: ["tasks"]) else {
            return []
        }
        guard let entries = node.entries, !entries.isEmpty, entries.count <= TaskFile.maximumTasks else {
            error(node, "must be a mapping of 1 to \(TaskFile.maximumTasks) names to tasks, found \(node.found)")
            return []
        }
        return entries.compactMap { task($0) }
    }

    private mutating func task(_ entry: YAMLEntry) -> TaskDeclaration? {
        if !Placement.isName(entry.key) {
            error(
                entry.position, entry.value.path,
                "the name of a task must be 1 to \(Placement.nameBytes) letters, digits and any of _ . = : -")
        }
        guard mapping(entry.value, keys: ["command", "program", "directory", "env"]) != nil else { return nil }
        let program = entry.value["program"].flatMap { line($0) }
        let command = self.command(entry.value, program: program, space: nil)
        if command.isEmpty, !hasErrors { error(entry.value, "a task needs a command or a program") }
        return TaskDeclaration(
            name: entry.key, command: command, program: program,
            directory: entry.value["directory"].flatMap { line($0) } ?? ".",
            environment: entry.value["env"].map { variables($0) } ?? [])
    }

    private mutating func variables(_ node: YAMLNode) -> [TaskDeclaration.Variable] {
        guard let entries = node.entries else {
            error(node, "must be a mapping of names to values, found \(node.found)")
            return []
        }
        return entries.compactMap { entry in
            guard let text = entry.value.scalar?.text, !text.utf8.contains(0), !entry.key.isEmpty,
                !entry.key.utf8.contains(where: { $0 == UInt8(ascii: "=") || $0 == 0 })
            else {
                error(entry.value, "must be a text, found \(entry.value.found)")
                return nil
            }
            return TaskDeclaration.Variable(name: entry.key, value: text)
        }
    }
}

// SPDX-License-Identifier: MIT

/// A YAML document's value with the place each part of it was written at. Aliases are expanded, merge keys applied,
/// scalars resolved.
struct YAMLNode: Sendable {
    indirect enum Content: Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping([YAMLEntry])
    }

    let content: Content
    let position: YAMLPosition
    let path: YAMLPath
}

struct YAMLScalar: Sendable {
    let value: JSONValue
    /// As written, without quotes.
    let text: String
    let isPlain: Bool
}

struct YAMLEntry: Sendable {
    let key: String
    let position: YAMLPosition
    let value: YAMLNode
}

/// Both from 1.
struct YAMLPosition: Hashable, Sendable {
    let line: Int
    let column: Int
}

/// The keys and indices from the top to a node. Shared between nodes, so that long keys cost their length once.
indirect enum YAMLPath: Sendable, CustomStringConvertible {
    case root
    case key(String, of: YAMLPath)
    case index(Int, of: YAMLPath)

    var description: String {
        switch self {
        case .root: ""
        case .key(let key, of: .root): key
        case .key(let key, of: let parent): "\(parent).\(key)"
        case .index(let index, of: let parent): "\(parent)[\(index)]"
        }
    }
}

extension YAMLNode {
    var scalar: YAMLScalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }

    var elements: [YAMLNode]? {
        if case .sequence(let nodes) = content { nodes } else { nil }
    }

    var entries: [YAMLEntry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    subscript(_ key: String) -> YAMLNode? {
        entries?.first { $0.key == key }?.value
    }

    var isNull: Bool {
        scalar?.value == .null
    }

    var json: JSONValue {
        switch content {
        case .scalar(let scalar): scalar.value
        case .sequence(let nodes): .array(nodes.map(\.json))
        case .mapping(let entries): .object(entries.map { JSONValue.Member($0.key, $0.value.json) })
        }
    }

    /// How an error names what it found.
    var found: String {
        switch content {
        case .scalar(let scalar):
            switch scalar.value {
            case .null: "nothing"
            case .bool, .integer, .number: scalar.text.shortened
            case .string(let text): "the text '\(text.shortened)'"
            case .array, .object: "something else"
            }
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

extension String {
    /// At most 60 characters, for messages.
    var shortened: String {
        count > 60 ? prefix(57) + "…" : self
    }
}

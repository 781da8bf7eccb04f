// SPDX-License-Identifier: MIT

import Yams

/// Why a text is no YAML document that sweepd reads.
struct YAMLProblem: Error {
    let position: YAMLPosition
    let path: YAMLPath
    let message: String
}

/// Reads one YAML document within bounds.
///
/// Yams expands an alias wherever it stands and hashes every key, so a file of a few lines can cost hours. Therefore Yams
/// never sees an alias: each `*` of the text is replaced by one private-use character, which starts a plain scalar where
/// `*` would start an alias and is mere content elsewhere, and the tree Yams builds is as small as the text. Aliases are
/// then expanded here, and counted before they are.
struct YAMLReader {
    static let maximumBytes = 1 << 20
    static let maximumDepth = 32
    static let maximumAliases = 100
    static let maximumNodes = 10_000
    /// YAML ends a key after 1,024 characters, and a character may take six when it is written as JSON.
    static let maximumKeyBytes = 150

    struct Surprise {
        let position: YAMLPosition
        let path: YAMLPath
        let text: String
        let kind: PlainScalar.Surprise
    }

    /// Scalars whose reading may surprise, for warnings.
    private(set) var surprises: [Surprise] = []
    private let standIn: Unicode.Scalar
    private var anchors: [String: Node] = [:]
    /// Within an alias; the anchors met there are not set anew.
    private var isExpanding = false
    private var openAnchors: Set<String> = []
    private var aliases = 0
    private var nodes = 0
    private var expandedBytes = 0

    /// Nil for a text without any value.
    static func read(_ text: String) throws(YAMLProblem) -> (root: YAMLNode?, surprises: [Surprise]) {
        guard text.utf8.count <= maximumBytes else {
            throw problem(YAMLPosition(line: 1, column: 1), .root, "the file is larger than 1 MiB")
        }
        try refuseDeepBrackets(text)
        var standIn: Unicode.Scalar = "\u{E000}"
        while standIn.value < 0xF8FF, text.unicodeScalars.contains(standIn) {
            standIn = Unicode.Scalar(standIn.value + 1) ?? standIn
        }
        var reader = YAMLReader(standIn: standIn)
        // libyaml skips a byte order mark only where it has to guess the encoding.
        let hasMark = text.unicodeScalars.first == "\u{FEFF}"
        let root = try reader.document(hasMark ? String(text.unicodeScalars.dropFirst()) : text)
        return (root, reader.surprises)
    }

    private init(standIn: Unicode.Scalar) {
        self.standIn = standIn
    }

    private mutating func document(_ text: String) throws(YAMLProblem) -> YAMLNode? {
        var disguised = ""
        disguised.unicodeScalars.append(
            contentsOf: text.unicodeScalars.lazy.map { [standIn] in $0 == "*" ? standIn : $0 })
        do {
            // Without a resolver's rules Yams matches no regular expressions, and `1` and "1" are the same key.
            let parser = try Parser(yaml: disguised, resolver: .basic, encoding: .utf8)
            // The parser owns the anchors; nodes refer to them weakly.
            defer { withExtendedLifetime(parser) {} }
            guard let root = try parser.singleRoot() else { return nil }
            return try convert(root, path: .root, depth: 0)
        } catch let error as YAMLProblem {
            throw error
        } catch let error as YamlError {
            throw problem(from: error, in: disguised)
        } catch {
            throw Self.problem(YAMLPosition(line: 1, column: 1), .root, "\(error)")
        }
    }

    private mutating func convert(_ node: Node, path: YAMLPath, depth: Int) throws(YAMLProblem) -> YAMLNode {
        let position = Self.position(of: node)
        nodes += 1
        guard nodes <= Self.maximumNodes else {
            throw Self.problem(position, path, "the file has more than \(Self.maximumNodes) values")
        }
        guard depth <= Self.maximumDepth else {
            throw Self.problem(position, path, "nested deeper than \(Self.maximumDepth) levels")
        }
        if let anchor = node.anchor?.rawValue {
            if !isExpanding { anchors[anchor] = node }
            guard openAnchors.insert(anchor).inserted else {
                throw Self.problem(position, path, "the anchor '\(anchor)' contains itself")
            }
        }
        defer { if let anchor = node.anchor?.rawValue { openAnchors.remove(anchor) } }
        switch node {
        case .scalar(let scalar): return try convert(scalar, position, path, depth)
        case .sequence(let sequence):
            try refuse(tag: sequence.tag, position, path)
            var elements: [YAMLNode] = []
            for (index, element) in sequence.enumerated() {
                elements.append(try convert(element, path: .index(index, of: path), depth: depth + 1))
            }
            return YAMLNode(content: .sequence(elements), position: position, path: path)
        case .mapping(let mapping):
            try refuse(tag: mapping.tag, position, path)
            return try convert(mapping, position, path, depth)
        case .alias:
            throw Self.problem(position, path, "an alias that is not written as one")
        }
    }

    private mutating func convert(
        _ scalar: Node.Scalar, _ position: YAMLPosition, _ path: YAMLPath, _ depth: Int
    ) throws(YAMLProblem) -> YAMLNode {
        let isPlain = scalar.style == .plain
        if isPlain, scalar.string.unicodeScalars.first == standIn {
            return try expandAlias(String(scalar.string.unicodeScalars.dropFirst()), position, path, depth)
        }
        let text = original(scalar.string)
        expandedBytes += text.utf8.count
        guard expandedBytes <= Self.maximumBytes else {
            throw Self.problem(position, path, "with aliases expanded the file is larger than 1 MiB")
        }
        let value: JSONValue
        switch scalar.tag.rawValue {
        case "" where isPlain:
            let reading = PlainScalar.value(of: text)
            if let kind = reading.surprise {
                surprises.append(Surprise(position: position, path: path, text: text, kind: kind))
            }
            value = reading.value
        case "", "!", "tag:yaml.org,2002:str": value = .string(text)
        default: value = try tagged(scalar.tag.rawValue, text, position, path)
        }
        let content = YAMLScalar(value: value, text: text, isPlain: isPlain)
        return YAMLNode(content: .scalar(content), position: position, path: path)
    }

    private mutating func expandAlias(
        _ name: String, _ position: YAMLPosition, _ path: YAMLPath, _ depth: Int
    ) throws(YAMLProblem) -> YAMLNode {
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isAnchorCharacter) else {
            throw Self.problem(
                position, path,
                "'*\(original(name).shortened)' starts with '*', which YAML takes for an alias; quote it")
        }
        if !isExpanding { aliases += 1 }
        guard aliases <= Self.maximumAliases else {
            throw Self.problem(position, path, "the file has more than \(Self.maximumAliases) aliases")
        }
        guard let target = anchors[name] else {
            throw Self.problem(position, path, "the alias '*\(name)' has no anchor '&\(name)' before it")
        }
        guard !openAnchors.contains(name) else {
            throw Self.problem(position, path, "the anchor '\(name)' contains itself")
        }
        let wasExpanding = isExpanding
        isExpanding = true
        defer { isExpanding = wasExpanding }
        return try convert(target, path: path, depth: depth)
    }

    private mutating func convert(
        _ mapping: Node.Mapping, _ position: YAMLPosition, _ path: YAMLPath, _ depth: Int
    ) throws(YAMLProblem) -> YAMLNode {
        var entries: [YAMLEntry] = []
        var merged: [YAMLEntry] = []
        for (keyNode, valueNode) in mapping {
            let keyPosition = Self.position(of: keyNode)
            let isPlainKey = keyNode.scalar?.style == .plain
            let key = try convert(keyNode, path: path, depth: depth + 1)
            guard let name = key.scalar?.text else {
                throw Self.problem(keyPosition, path, "a key must be a word, not a list or a mapping")
            }
            guard name.utf8.count <= Self.maximumKeyBytes else {
                throw Self.problem(keyPosition, path, "a key is longer than \(Self.maximumKeyBytes) bytes")
            }
            let value = try convert(valueNode, path: .key(name, of: path), depth: depth + 1)
            if name == "<<", isPlainKey {
                merged += try mergeable(value)
            } else {
                entries.append(YAMLEntry(key: name, position: keyPosition, value: value))
            }
        }
        var names: Set<String> = []
        for entry in entries where !names.insert(entry.key).inserted {
            throw Self.problem(entry.position, path, "the key '\(entry.key.shortened)' appears twice")
        }
        entries += merged.filter { names.insert($0.key).inserted }
        return YAMLNode(content: .mapping(entries), position: position, path: path)
    }

    /// `<<: *defaults` or `<<: [*a, *b]`: a mapping's own keys win, then the earlier of those merged.
    private func mergeable(_ node: YAMLNode) throws(YAMLProblem) -> [YAMLEntry] {
        if let entries = node.entries { return entries }
        var all: [YAMLEntry] = []
        for element in node.elements ?? [node] {
            guard let entries = element.entries else {
                throw Self.problem(element.position, element.path, "'<<' merges mappings, found \(element.found)")
            }
            all += entries
        }
        return all
    }

    private func original(_ text: String) -> String {
        guard text.unicodeScalars.contains(standIn) else { return text }
        var original = ""
        original.unicodeScalars.append(
            contentsOf: text.unicodeScalars.lazy.map { [standIn] in $0 == standIn ? "*" : $0 })
        return original
    }
}

extension YAMLReader {
    private func tagged(
        _ tag: String, _ text: String, _ position: YAMLPosition, _ path: YAMLPath
    ) throws(YAMLProblem) -> JSONValue {
        let plain = PlainScalar.value(of: text).value
        switch tag {
        case "tag:yaml.org,2002:float":
            if let number = plain.doubleValue, plain.stringValue == nil { return .number(number) }
        case "tag:yaml.org,2002:int":
            if case .integer = plain { return plain }
        case "tag:yaml.org,2002:bool":
            if case .bool = plain { return plain }
        case "tag:yaml.org,2002:null":
            if case .null = plain { return plain }
        default:
            throw Self.problem(
                position, path,
                "the tag '\(tag.shortened)' is not accepted; only !!float, !!int, !!str, !!bool and !!null")
        }
        throw Self.problem(position, path, "'\(text.shortened)' is not what its tag says")
    }

    private func refuse(tag: Tag, _ position: YAMLPosition, _ path: YAMLPath) throws(YAMLProblem) {
        switch tag.rawValue {
        // Yams fills in the tag of a mapping or list that stands as a key; written or not, these two say nothing new.
        case "", "!", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map": return
        default: _ = try tagged(tag.rawValue, "", position, path)
        }
    }

    /// libyaml's time grows with the square of the depth of brackets, which it does not bound early. Brackets within
    /// quotes are counted too: a text with 200 more opened than closed is no sweep file.
    private static func refuseDeepBrackets(_ text: String) throws(YAMLProblem) {
        var depth = 0
        var line = 1
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
            case UInt8(ascii: "\n"): line += 1
            default: break
            }
            if depth > 200 {
                let position = YAMLPosition(line: line, column: 1)
                throw problem(position, .root, "nested deeper than \(maximumDepth) levels")
            }
        }
    }

    private func problem(from error: YamlError, in text: String) -> YAMLProblem {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            if problem.hasPrefix("but found another document") {
                return Self.problem(mark, "a second document starts here; a sweep file has one")
            }
            if problem.hasPrefix("Maximum nesting level") {
                return Self.problem(mark, "nested deeper than \(Self.maximumDepth) levels")
            }
            let words = context.map { "\($0.text), \(problem)" } ?? problem
            return Self.problem(mark, "not valid YAML: \(words)")
        case .reader(let problem, let offset, _, _):
            let before = text.prefix(offset ?? 0)
            let line = 1 + before.unicodeScalars.count { $0 == "\n" }
            return Self.problem(YAMLPosition(line: line, column: 1), .root, "not valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "'\(original($0).shortened)'" }.joined(separator: ", ")
            return Self.problem(context.mark, "the key \(names) appears twice")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return Self.problem(YAMLPosition(line: 1, column: 1), .root, "not valid YAML")
        }
    }

    private static func problem(_ mark: Mark, _ message: String) -> YAMLProblem {
        problem(YAMLPosition(line: mark.line, column: mark.column), .root, message)
    }

    private static func problem(_ position: YAMLPosition, _ path: YAMLPath, _ message: String) -> YAMLProblem {
        YAMLProblem(position: position, path: path, message: message)
    }

    private static func position(of node: Node) -> YAMLPosition {
        YAMLPosition(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    }

    private static func isAnchorCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

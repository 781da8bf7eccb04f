// SPDX-License-Identifier: MIT

package import SweepModel
package import WorkerProtocol

/// One line a training script writes to its report socket.
package struct ReportLine: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        /// The script follows along: it can be asked to stop.
        case hello
        /// Without a step: one after the last.
        case report(step: Int64?, [MetricValue])
        case checkpoint(Checkpoint)
    }

    package let content: Content
    /// The line wants an answer that repeats this.
    package let id: JSONValue?

    /// Bytes of a line.
    package static let maximumBytes = 1 << 20
    package static let maximumMetrics = 1000
    package static let maximumNameBytes = 256

    /// Why a line is refused. `kind` groups what deserves one warning an attempt.
    package struct Failure: Error, Hashable, Sendable {
        package enum Kind: String, CaseIterable, Sendable {
            case tooLong, notText, notJSON, unknownType, badStep, badMetrics, badCheckpoint
        }
        package let kind: Kind
        package let message: String
        package var id: JSONValue?
    }

    package static let tooLong = Failure(
        kind: .tooLong, message: "a line of more than \(maximumBytes) bytes on the report socket was thrown away")

    package init(_ bytes: [UInt8]) throws(Failure) {
        let value: JSONValue
        do {
            value = try JSONValue.parse(
                bytes, limits: JSONLimits(maximumDepth: 8, maximumBytes: Self.maximumBytes, allowsBareNonFinite: true))
        } catch {
            if error.reason == .invalidUTF8 {
                throw Failure(kind: .notText, message: "a report is not UTF-8: \(error)")
            }
            throw Failure(kind: .notJSON, message: "a report is not JSON: \(error)")
        }
        let id = Self.id(in: value)
        self.id = id
        do throws(Failure) {
            content = try Self.content(of: value)
        } catch {
            throw Failure(kind: error.kind, message: error.message, id: id)
        }
    }

    /// Numbers and short strings are repeated in the answer, nothing larger.
    private static func id(in value: JSONValue) -> JSONValue? {
        switch value["id"] {
        case .integer(let number): .integer(number)
        case .string(let text) where text.utf8.count <= 128: .string(text)
        case .string, .number, .null, .bool, .array, .object, nil: nil
        }
    }

    private static func content(of value: JSONValue) throws(Failure) -> Content {
        guard value.objectValue != nil else {
            throw Failure(kind: .notJSON, message: "a report must be a JSON object such as {\"type\":\"report\",…}")
        }
        switch value["type"]?.stringValue {
        case "hello": return .hello
        case "report": return .report(step: try step(in: value), try metrics(in: value))
        case "checkpoint": return .checkpoint(try checkpoint(in: value))
        case let other:
            let name = other.map { "'\($0.prefix(40))'" } ?? "missing"
            throw Failure(
                kind: .unknownType, message: "a report's type is \(name): expected hello, report or checkpoint")
        }
    }

    private static func step(in value: JSONValue) throws(Failure) -> Int64? {
        switch value["step"] {
        case nil, .null: return nil
        case .some(let step):
            let number: Int64? =
                switch step {
                case .integer(let number): number
                case .number(let number): Int64(exactly: number)
                case .null, .bool, .string, .array, .object: nil
                }
            guard let number, number >= 0 else {
                throw Failure(kind: .badStep, message: "a step must be a whole number of at least 0")
            }
            return number
        }
    }

    private static func metrics(in value: JSONValue) throws(Failure) -> [MetricValue] {
        guard let members = value["metrics"]?.objectValue else {
            throw Failure(kind: .badMetrics, message: "a report needs \"metrics\": an object of names and numbers")
        }
        guard !members.isEmpty, members.count <= maximumMetrics else {
            throw Failure(
                kind: .badMetrics, message: "a report has \(members.count) metrics: expected 1 to \(maximumMetrics)")
        }
        var metrics: [MetricValue] = []
        metrics.reserveCapacity(members.count)
        for member in members {
            if let reason = fault(inName: member.name) { throw Failure(kind: .badMetrics, message: reason) }
            guard let number = number(member.value) else {
                throw Failure(
                    kind: .badMetrics, message: "metric '\(member.name)' is no number: \(member.value.text.prefix(40))")
            }
            metrics.append(MetricValue(member.name, number))
        }
        return metrics
    }

    /// What is wrong with a metric's name; nil when it is fine.
    package static func fault(inName name: String) -> String? {
        if name.isEmpty { return "a metric's name is empty" }
        if name.utf8.count > maximumNameBytes {
            return "a metric's name is longer than \(maximumNameBytes) bytes: '\(name.prefix(40))…'"
        }
        if name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            return "a metric's name contains a control character"
        }
        return nil
    }

    private static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .bool(let value): value ? 1 : 0
        case .string(let text): MetricText.nonFinite(text)
        case .integer, .number: value.doubleValue
        case .null, .array, .object: nil
        }
    }

    private static func checkpoint(in value: JSONValue) throws(Failure) -> Checkpoint {
        func refuse(_ message: String) -> Failure { Failure(kind: .badCheckpoint, message: message) }
        guard let step = try step(in: value) else { throw refuse("a checkpoint needs a step") }
        let location: String
        switch (value["path"], value["uri"]) {
        case (.some, nil):
            guard let path = value["path"]?.stringValue.flatMap(path) else {
                throw refuse("a checkpoint needs the absolute path of its folder, without '..'")
            }
            location = path
        case (nil, .some):
            guard let uri = value["uri"]?.stringValue, isStorage(uri) else {
                throw refuse(
                    "a checkpoint's uri must name storage elsewhere (s3://bucket/key); a folder has a \"path\"")
            }
            location = uri
        default: throw refuse("a checkpoint needs a \"path\", or a \"uri\" where it lies in no folder")
        }
        let digest = value["sha256"]?.stringValue ?? ""
        guard digest.isEmpty || (digest.utf8.count == 64 && digest.allSatisfy { $0.isASCII && $0.isHexDigit }) else {
            throw refuse("a checkpoint's sha256 must be 64 hexadecimal digits")
        }
        let bytes = value["bytes"]?.integerValue ?? 0
        guard bytes >= 0 else { throw refuse("a checkpoint's bytes must not be negative") }
        return Checkpoint(step: step, location: location, digest: digest.lowercased(), bytes: bytes)
    }

    /// The path in its plain form; nil when it is none that is the same from everywhere.
    ///
    /// By bytes: a combining character behind a slash makes another `Character` of it.
    private static func path(_ text: String) -> String? {
        guard text.utf8.first == 0x2F, text.utf8.count <= ProtocolLimits.pathBytes, !text.utf8.contains(0) else {
            return nil
        }
        let names = text.utf8.split(separator: 0x2F).map { Substring($0) }.filter { $0 != "." }
        if names.isEmpty || names.contains("..") { return nil }
        return "/" + names.joined(separator: "/")
    }

    private static func isStorage(_ text: String) -> Bool {
        guard case .uri? = CheckpointLocation(text), text.utf8.count <= ProtocolLimits.pathBytes else { return false }
        return text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
            && !text.utf8.split(separator: 0x2F).contains { $0.elementsEqual("..".utf8) }
    }
}

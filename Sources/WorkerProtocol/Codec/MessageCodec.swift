// SPDX-License-Identifier: MIT

import SweepModel

/// Messages to frames and back, as `Docs/protocol.md` lays down. A pure function either way.
///
/// Whatever decodes is within every limit, and encodes to a message that decodes to an equal value.
package enum MessageCodec {
    private static let magic = Array(ProtocolLimits.magic.utf8)
    private static let limits = JSONLimits(
        maximumDepth: ProtocolLimits.depth, maximumBytes: ProtocolLimits.frameBytes)

    package static func encode(_ envelope: Envelope<WorkerMessage>) -> [[UInt8]] {
        var bytes = opening(envelope.message.type, envelope.session, envelope.epoch)
        append(envelope.message, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
        return [magic, bytes]
    }

    package static func encode(_ envelope: Envelope<CoordinatorMessage>) -> [[UInt8]] {
        var bytes = opening(envelope.message.type, envelope.session, envelope.epoch)
        append(envelope.message, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
        return [magic, bytes]
    }

    /// - Parameter frames: without the routing id that a router puts before them.
    package static func decodeWorkerMessage(_ frames: [[UInt8]]) throws(CodecError) -> Envelope<WorkerMessage> {
        let (type, fields) = try open(frames)
        guard let kind = WorkerMessageType(rawValue: type) else { throw CodecError.unknownType(type) }
        return Envelope(
            session: try fields.string("s", limit: ProtocolLimits.nameBytes),
            epoch: try fields.integer("e", in: 0 ... .max), message: try message(kind, fields))
    }

    package static func decodeCoordinatorMessage(
        _ frames: [[UInt8]]
    ) throws(CodecError) -> Envelope<CoordinatorMessage> {
        let (type, fields) = try open(frames)
        guard let kind = CoordinatorMessageType(rawValue: type) else { throw CodecError.unknownType(type) }
        let session = try fields.string("s", limit: ProtocolLimits.nameBytes)
        let epoch = try fields.integer("e", in: 0 ... .max)
        return Envelope(
            session: session, epoch: epoch, message: try message(kind, fields, session: session, epoch: epoch))
    }

    private static func opening(_ type: StaticString, _ session: String, _ epoch: Int64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        appendJSONWord("{\"t\":\"", to: &bytes)
        appendJSONWord(type, to: &bytes)
        appendMember("\",\"s\":", session, to: &bytes)
        appendMember(",\"e\":", epoch, to: &bytes)
        return bytes
    }

    private static func open(_ frames: [[UInt8]]) throws(CodecError) -> (type: String, fields: Fields) {
        guard frames.count == 2 else { throw CodecError.frameCount(frames.count) }
        guard frames[0] == magic else { throw CodecError.magic }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue.parse(frames[1], limits: limits)
        } catch {
            throw CodecError.json(error)
        }
        guard case .object = value else { throw CodecError.noMessage }
        let fields = try Fields(value)
        guard case .string(let type)? = fields.value("t") else { throw CodecError.noMessage }
        return (type, fields)
    }
}

/// The types a coordinator accepts. The raw values are the wire's.
enum WorkerMessageType: String, CaseIterable {
    case hello, beat, accept, decline, events, bye
}

/// The types a worker accepts.
enum CoordinatorMessageType: String, CaseIterable {
    case welcome, leases, ack, nack, beat, resync, error
}

extension WorkerMessage {
    fileprivate var type: StaticString {
        switch self {
        case .hello: "hello"
        case .beat: "beat"
        case .accept: "accept"
        case .decline: "decline"
        case .events: "events"
        case .bye: "bye"
        }
    }
}

extension CoordinatorMessage {
    fileprivate var type: StaticString {
        switch self {
        case .welcome: "welcome"
        case .leases: "leases"
        case .ack: "ack"
        case .nack: "nack"
        case .beat: "beat"
        case .resync: "resync"
        case .refusal: "error"
        }
    }
}

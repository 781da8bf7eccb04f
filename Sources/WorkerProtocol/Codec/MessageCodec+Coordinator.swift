// SPDX-License-Identifier: MIT

import SweepModel

/// What the coordinator says.
extension MessageCodec {
    static func append(_ message: CoordinatorMessage, to bytes: inout [UInt8]) {
        switch message {
        case .welcome(let welcome): append(welcome, to: &bytes)
        case .leases(let leases): appendList(",\"leases\":", leases, to: &bytes, appendLease)
        case .ack(let sequences), .nack(let sequences):
            appendList(",\"sequences\":", sequences, to: &bytes) { sequence, bytes in
                appendMember("{\"fence\":", sequence.fence.number, to: &bytes)
                appendMember(",\"seq\":", sequence.sequence, to: &bytes)
                bytes.append(UInt8(ascii: "}"))
            }
        case .beat(let desired, let drain):
            appendList(",\"desired\":", desired, to: &bytes, appendDesired)
            appendMember(",\"drain\":", drain, to: &bytes)
        case .resync: break
        case .refusal(let refusal):
            appendMember(",\"code\":", refusal.code.rawValue, to: &bytes)
            appendMember(",\"message\":", beginning(of: refusal.message, limit: ProtocolLimits.reasonBytes), to: &bytes)
            appendMember(",\"fatal\":", refusal.isFatal, to: &bytes)
        }
    }

    static func message(
        _ type: CoordinatorMessageType, _ fields: Fields, session: String, epoch: Int64
    ) throws(CodecError) -> CoordinatorMessage {
        switch type {
        case .welcome: .welcome(try welcome(fields, session: session, epoch: epoch))
        case .leases: .leases(try fields.objects("leases", limit: ProtocolLimits.leasesPerMessage, lease))
        case .ack: .ack(try sequences(fields))
        case .nack: .nack(try sequences(fields))
        case .beat: .beat(desired: try desired(fields), drain: try fields.flag("drain"))
        case .resync: .resync
        case .error:
            .refusal(
                Refusal(
                    code: try refusalCode(fields),
                    message: try fields.string("message", limit: ProtocolLimits.reasonBytes),
                    isFatal: try fields.flag("fatal")))
        }
    }

    /// Session and epoch are the envelope's.
    private static func append(_ welcome: Welcome, to bytes: inout [UInt8]) {
        appendMember(",\"version\":", Int64(welcome.version), to: &bytes)
        appendMember(",\"database\":", welcome.database, to: &bytes)
        appendMember(",\"window\":", Int64(welcome.window), to: &bytes)
        appendMember(",\"heartbeat_ms\":", welcome.heartbeat.milliseconds, to: &bytes)
        appendList(",\"desired\":", welcome.desired, to: &bytes, appendDesired)
    }

    private static func welcome(
        _ fields: Fields, session: String, epoch: Int64
    ) throws(CodecError) -> Welcome {
        Welcome(
            version: try fields.int("version", in: 0...Int(Int32.max)), session: session, epoch: epoch,
            database: try fields.optionalString("database", limit: ProtocolLimits.nameBytes) ?? "",
            window: try fields.int("window", in: 1...ProtocolLimits.slots),
            heartbeat: .milliseconds(try fields.integer("heartbeat_ms", in: 1...86_400_000)),
            desired: try desired(fields))
    }

    private static func sequences(_ fields: Fields) throws(CodecError) -> [FenceSequence] {
        try fields.objects("sequences", limit: ProtocolLimits.fencesPerMessage) { fields throws(CodecError) in
            FenceSequence(try fields.fence(), try fields.integer("seq", in: 0 ... .max))
        }
    }

    private static func appendDesired(_ desired: DesiredLease, to bytes: inout [UInt8]) {
        appendMember("{\"fence\":", desired.fence.number, to: &bytes)
        appendMember(",\"state\":", desired.state.rawValue, to: &bytes)
        if !desired.reason.isEmpty {
            appendMember(",\"reason\":", beginning(of: desired.reason, limit: ProtocolLimits.reasonBytes), to: &bytes)
        }
        appendMember(",\"acked\":", desired.acknowledged, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    private static func desired(_ fields: Fields) throws(CodecError) -> [DesiredLease] {
        try fields.objects("desired", limit: ProtocolLimits.fencesPerMessage) { fields throws(CodecError) in
            DesiredLease(
                fence: try fields.fence(), state: try fields.word("state"),
                reason: try fields.optionalString("reason", limit: ProtocolLimits.reasonBytes) ?? "",
                acknowledged: try fields.integer("acked", in: 0 ... .max))
        }
    }

    /// One that a later version has is no reason to drop the message.
    private static func refusalCode(_ fields: Fields) throws(CodecError) -> Refusal.Code {
        Refusal.Code(rawValue: try fields.string("code", limit: ProtocolLimits.nameBytes)) ?? .other
    }
}

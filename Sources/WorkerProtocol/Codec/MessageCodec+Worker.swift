// SPDX-License-Identifier: MIT

import SweepModel

/// What a worker says.
extension MessageCodec {
    static func append(_ message: WorkerMessage, to bytes: inout [UInt8]) {
        switch message {
        case .hello(let hello): append(hello, to: &bytes)
        case .beat(let leases): appendList(",\"leases\":", leases, to: &bytes, appendHeld)
        case .accept(let fence, let digest):
            appendMember(",\"fence\":", fence.number, to: &bytes)
            appendMember(",\"digest\":", digest, to: &bytes)
        case .decline(let fence, let reason):
            appendMember(",\"fence\":", fence.number, to: &bytes)
            appendMember(
                ",\"reason\":", beginning(of: reason, limit: ProtocolLimits.reasonBytes), to: &bytes)
        case .events(let events): appendList(",\"events\":", events, to: &bytes, appendEvent)
        case .bye(let reason):
            appendMember(
                ",\"reason\":", beginning(of: reason, limit: ProtocolLimits.reasonBytes), to: &bytes)
        }
    }

    static func message(_ type: WorkerMessageType, _ fields: Fields) throws(CodecError) -> WorkerMessage {
        switch type {
        case .hello: .hello(try hello(fields))
        case .beat:
            .beat(leases: try fields.objects("leases", limit: ProtocolLimits.fencesPerMessage, heldLease))
        case .accept:
            .accept(
                fence: try fields.fence(),
                parametersDigest: try fields.string("digest", limit: ProtocolLimits.nameBytes))
        case .decline:
            .decline(
                fence: try fields.fence(), reason: try fields.string("reason", limit: ProtocolLimits.reasonBytes))
        case .events:
            .events(try fields.objects("events", limit: ProtocolLimits.eventsPerMessage, sequencedEvent))
        case .bye: .bye(reason: try fields.string("reason", limit: ProtocolLimits.reasonBytes))
        }
    }

    private static func append(_ hello: Hello, to bytes: inout [UInt8]) {
        appendMember(",\"versions\":[", Int64(hello.versions.lowerBound), to: &bytes)
        appendMember(",", Int64(hello.versions.upperBound), to: &bytes)
        appendMember("],\"boot\":", hello.boot, to: &bytes)
        appendMember(
            ",\"agent\":", beginning(of: hello.agent, limit: ProtocolLimits.nameBytes), to: &bytes)
        appendMember(",\"host\":", beginning(of: hello.host, limit: ProtocolLimits.nameBytes), to: &bytes)
        appendMember(",\"pid\":", hello.processID, to: &bytes)
        appendMember(",\"slots\":", Int64(hello.slots), to: &bytes)
        appendMember(",\"prefetch\":", Int64(hello.prefetch), to: &bytes)
        appendList(",\"running\":", hello.running, to: &bytes, appendHeld)
        if hello.versions.upperBound >= ProtocolLimits.taskVersion { append(hello.offer, to: &bytes) }
    }

    private static func append(_ offer: WorkerOffer, to bytes: inout [UInt8]) {
        for member in offer.members {
            bytes.append(UInt8(ascii: ","))
            appendJSONName(member.name, to: &bytes)
            member.value.append(to: &bytes)
        }
    }

    /// A worker of version 1 runs what it is given.
    private static func offer(_ fields: Fields) throws(CodecError) -> WorkerOffer {
        var offer = WorkerOffer()
        if fields.value("labels") != nil {
            offer.labels = try fields.list("labels", limit: Placement.maximumLabels).map { value throws(CodecError) in
                guard case .string(let label) = value, Placement.isName(label) else {
                    throw CodecError.field(path: "labels", problem: "must be names")
                }
                return label
            }
        }
        if let value = fields.value("tasks") {
            guard case .object(let members) = value, members.count <= ProtocolLimits.tasks else {
                throw CodecError.field(
                    path: "tasks", problem: "must be an object of at most \(ProtocolLimits.tasks) members")
            }
            offer.tasks = try members.map { member throws(CodecError) in
                guard Placement.isName(member.name), case .string(let digest) = member.value,
                    digest.utf8.count <= ProtocolLimits.nameBytes
                else { throw CodecError.field(path: "tasks", problem: "must be names with digests") }
                return WorkerOffer.Task(name: member.name, digest: digest)
            }
        }
        if fields.value("commands") != nil { offer.runsCommands = try fields.flag("commands") }
        if fields.value("function") != nil { offer.hasFunction = try fields.flag("function") }
        return offer
    }

    private static func hello(_ fields: Fields) throws(CodecError) -> Hello {
        let versions = try fields.list("versions", limit: 2)
        guard versions.count == 2, case .integer(let low) = versions[0], case .integer(let high) = versions[1],
            low >= 0, low <= high, high < 1 << 31
        else { throw CodecError.field(path: "versions", problem: "must be the lowest and the highest version") }
        return Hello(
            versions: Int(low)...Int(high), boot: try boot(fields),
            agent: try fields.string("agent", limit: ProtocolLimits.nameBytes),
            host: try fields.string("host", limit: ProtocolLimits.nameBytes),
            processID: try fields.integer("pid"), slots: try fields.int("slots", in: 0...ProtocolLimits.slots),
            prefetch: try fields.int("prefetch", in: 0...ProtocolLimits.slots),
            running: try fields.objects("running", limit: ProtocolLimits.fencesPerMessage, heldLease),
            offer: try offer(fields))
    }

    private static func boot(_ fields: Fields) throws(CodecError) -> String {
        let boot = try fields.string("boot", limit: 32)
        let isToken =
            boot.utf8.count == 32
            && boot.utf8.allSatisfy { byte in
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
            }
        if isToken { return boot }
        throw CodecError.field(path: "boot", problem: "must be 32 lower-case hexadecimal digits")
    }

    private static func appendHeld(_ lease: HeldLease, to bytes: inout [UInt8]) {
        appendMember("{\"fence\":", lease.fence.number, to: &bytes)
        appendMember(",\"last_seq\":", lease.lastSequence, to: &bytes)
        appendMember(",\"acked\":", lease.acknowledged, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    private static func heldLease(_ fields: Fields) throws(CodecError) -> HeldLease {
        HeldLease(
            fence: try fields.fence(), lastSequence: try fields.integer("last_seq", in: 0 ... .max),
            acknowledged: try fields.integer("acked", in: 0 ... .max))
    }
}

// SPDX-License-Identifier: MIT

import Foundation
import SweepModel

/// One process of the child's that reports.
final class ReportConnection {
    /// Unsent answers beyond which no more lines are read: the other end has to read its answers first.
    private static let answerLimit = 64 << 10

    let descriptor: Int32
    /// It said hello and will hear a stop.
    var followsAlong = false
    /// Nothing more will come.
    private(set) var isAtEnd = false
    /// Lines that were read and wait for a checkpoint that came before them, and that one.
    var waitingLines = 0
    private var isBroken = false
    private var lines = LineSplitter(limit: ReportLine.maximumBytes)
    private var answers: [UInt8] = []
    /// Lines that want an answer: those whose event has no number yet, and those that wait for theirs to be durable.
    private var unnumbered: [JSONValue] = []
    private var promises: [(sequence: Int64, id: JSONValue)] = []

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    var wantsToRead: Bool { !isAtEnd && answers.count < Self.answerLimit }
    var wantsToWrite: Bool { !answers.isEmpty && !isBroken }
    /// Nothing is left to read, nor to write to anyone who reads.
    var isOver: Bool {
        isAtEnd && waitingLines == 0 && !wantsToWrite && (isBroken || (unnumbered.isEmpty && promises.isEmpty))
    }

    /// The line with that id is to be answered when what it reported is durable: "ok" means it survives anything.
    func promise(_ id: JSONValue) { unnumbered.append(id) }

    /// What the promised lines reported has sequence numbers up to `last`; all up to `acknowledged` is durable.
    func keepPromises(last: Int64, acknowledged: Int64) {
        promises += unnumbered.map { (sequence: last, id: $0) }
        unnumbered.removeAll()
        while let promise = promises.first, promise.sequence <= acknowledged {
            promises.removeFirst()
            send([.init("type", .string("ok")), .init("id", promise.id)])
        }
    }

    /// Reads once. `buffer` is the agent's, so that a connection costs no memory while it is quiet.
    func read(_ buffer: inout [UInt8]) -> [LineSplitter.Line] {
        guard !isAtEnd else { return [] }
        let count = buffer.withUnsafeMutableBytes { Foundation.recv(descriptor, $0.baseAddress, $0.count, 0) }
        if count > 0 { return lines.feed(buffer[..<count]) }
        if count < 0, errno == EAGAIN || errno == EINTR { return [] }
        isAtEnd = true
        return lines.finish().map { [$0] } ?? []
    }

    /// Queues one line and sends what the socket takes.
    func send(_ members: [JSONValue.Member]) {
        if isBroken { return }
        JSONValue.object(members).append(to: &answers)
        answers.append(0x0A)
        flush()
    }

    func flush() {
        while wantsToWrite {
            let count = answers.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                answers.removeFirst(count)
            } else if errno == EINTR {
                continue
            } else {
                isBroken = errno != EAGAIN
                return
            }
        }
    }
}

// SPDX-License-Identifier: MIT

import Foundation
import ZeroMQ

/// One context for all tests of this process, as in production.
let context = Result { try Context() }

/// A fresh directory for ipc sockets; it goes with the object.
final class SocketPlace {
    private let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("zmq-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit {
        try? FileManager.default.removeItem(at: directory)
    }

    var endpoint: Endpoint {
        get throws { try Endpoint("ipc://\(directory.path)/s") }
    }
}

/// Waits for one message, at most `patience`.
func next(_ socket: inout Socket, patience: Duration = .seconds(5)) throws -> Message? {
    let deadline = ContinuousClock.now + patience
    while ContinuousClock.now < deadline {
        if let message = try socket.receiveMessage() { return message }
        try poll(socket, timeout: .milliseconds(20))
    }
    return nil
}

/// Sends as soon as a peer can take it, at most after five seconds.
func deliver(_ frames: [[UInt8]], over socket: inout Socket) throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(5)
    while ContinuousClock.now < deadline {
        if try socket.send(frames) { return true }
        try poll(socket, timeout: .milliseconds(5))
    }
    return false
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

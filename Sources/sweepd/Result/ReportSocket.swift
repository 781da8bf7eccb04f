// SPDX-License-Identifier: MIT

import Foundation
import SweepModel

/// The local socket on which a trial's processes report to their worker: one JSON object a line.
struct ReportSocket {
    let path: String
    /// A worker answers at once, except while the coordinator has a full disk.
    var timeout: Duration = .seconds(60)

    /// Returns when the worker has it.
    ///
    /// - Throws: `UserError` when the worker refuses it, is gone, or does not answer.
    func send(_ message: JSONValue) throws {
        let descriptor = try connect()
        defer { close(descriptor) }
        var bytes = Array((message.text + "\n").utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw gone() }
            bytes = bytes.dropFirst(count)
        }
        try awaitAnswer(descriptor)
    }

    private func connect() throws -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < room else {
            throw UserError("SWEEPD_SOCKET is longer than a socket's path can be: \(path)")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw gone() }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Foundation.connect(descriptor, $0, length) }
        }
        guard result == 0 else {
            defer { close(descriptor) }
            throw gone()
        }
        return descriptor
    }

    private func awaitAnswer(_ descriptor: Int32) throws {
        let deadline = ContinuousClock.now + timeout
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while received.count < 1 << 16 {
            let left = (deadline - .now).milliseconds
            guard left > 0 else {
                throw UserError("the worker did not answer within \(Format.duration(timeout))", status: .internalError)
            }
            var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&waited, 1, Int32(clamping: left)) <= 0 { continue }
            let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw gone(errno: count == 0 ? ECONNRESET : errno) }
            received += buffer[..<count]
            while let end = received.firstIndex(of: 0x0A) {
                if try isAnswer(Array(received[..<end])) { return }
                received.removeFirst(end + 1)
            }
        }
        throw UserError("the worker sent no answer that could be understood", status: .internalError)
    }

    /// False for what is no answer to the report, such as a request to stop.
    private func isAnswer(_ line: [UInt8]) throws -> Bool {
        guard let json = try? JSONValue.parse(line) else { return false }
        switch json["type"]?.stringValue {
        case "ok": return true
        case "error":
            throw UserError(
                "the worker refused the report: \(Format.printable(json["message"]?.stringValue ?? "no reason given"))")
        default: return false
        }
    }

    private func gone(errno code: Int32 = errno) -> UserError {
        UserError(
            "the worker of this trial cannot be reached (\(String(cString: strerror(code)))): the attempt is over, or the "
                + "worker was killed; the report is not recorded", status: .internalError)
    }
}

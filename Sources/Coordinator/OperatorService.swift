// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepModel
import ZeroMQ

/// The socket on which commands of the same user steer a live coordinator.
final class OperatorService {
    struct Request {
        let connection: Connection
        let result: Result<OperatorRequest, OperatorRequest.Malformed>
    }

    struct Reply {
        let to: Connection
        let outcome: Outcome
    }

    enum Outcome {
        /// With the number of the trial that was handed out or begun, if one was.
        case done(trial: Int?)
        /// Not yet: the same request may succeed soon.
        case notYet(String)
        case failed(String)
    }

    fileprivate(set) var socket: Socket

    init(endpoint: String, context: Context) throws {
        var options = SocketOptions()
        options.linger = .milliseconds(500)
        options.maximumMessageSize = 1 << 16
        socket = try Socket(.router, in: context, options: options)
        try socket.bind(Endpoint(endpoint))
    }

    /// What waits, at most 16 requests a turn.
    func receive() -> [Request] {
        var requests: [Request] = []
        while requests.count < 16, let frames = try? socket.receive() {
            guard frames.count == 3, frames[1] == Array(OperatorRequest.magic.utf8) else { continue }
            requests.append(Request(connection: Connection(frames[0]), result: Self.parse(frames[2])))
        }
        return requests
    }

    private static func parse(_ bytes: [UInt8]) -> Result<OperatorRequest, OperatorRequest.Malformed> {
        do throws(JSONError) {
            let json = try JSONValue.parse(bytes)
            do throws(OperatorRequest.Malformed) {
                return .success(try OperatorRequest(json: json))
            } catch {
                return .failure(error)
            }
        } catch {
            return .failure(OperatorRequest.Malformed(description: "\(error)"))
        }
    }

    func send(_ reply: Reply) {
        let json: JSONValue
        switch reply.outcome {
        case .done(let trial):
            json = .object(
                [.init("ok", .bool(true))] + (trial.map { [.init("trial", .integer(Int64($0)))] } ?? []))
        case .notYet(let reason): json = .object([.init("error", .string(reason)), .init("again", .bool(true))])
        case .failed(let reason): json = .object([.init("error", .string(reason))])
        }
        _ = try? socket.send([reply.to.routingID, Array(OperatorRequest.magic.utf8), Array(json.text.utf8)])
    }
}

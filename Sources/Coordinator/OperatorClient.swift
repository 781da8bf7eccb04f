// SPDX-License-Identifier: MIT

import Foundation
package import Keys
package import SweepModel
import WorkerProtocol
package import ZeroMQ

/// Where a live coordinator listens, as it wrote it into its data directory.
package struct EndpointFile: Sendable {
    package let workers: String
    package let operators: String
    package let processID: Int32

    init(runtime: RuntimeDirectory) {
        workers = runtime.workerEndpoint
        operators = runtime.operatorEndpoint
        processID = getpid()
    }

    /// nil when there is none or it is not readable as one: then no coordinator is live.
    package init?(reading path: String) {
        guard let bytes = FileManager.default.contents(atPath: path), let json = try? JSONValue.parse([UInt8](bytes)),
            let workers = json["workers"]?.stringValue, let operators = json["operators"]?.stringValue,
            let process = json["pid"]?.integerValue.flatMap({ Int32(exactly: $0) })
        else { return nil }
        self.workers = workers
        self.operators = operators
        processID = process
    }

    func write(to path: String) throws {
        let json = JSONValue.object([
            .init("version", .integer(1)), .init("pid", .integer(Int64(processID))),
            .init("workers", .string(workers)), .init("operators", .string(operators)),
        ])
        try Data((json.text + "\n").utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}

/// Asks a live coordinator for something and waits for its word.
package struct OperatorClient {
    package enum Failure: Error, CustomStringConvertible {
        /// No coordinator answers there: the caller may take the lock itself.
        case notLive
        /// Not yet: the same request may succeed soon.
        case notYet(String)
        case refused(String)

        package var description: String {
            switch self {
            case .notLive: "no coordinator is running on this data directory"
            case .refused(let reason), .notYet(let reason): reason
            }
        }
    }

    /// A connection over a network, and its handshake, take a moment.
    private static let leastShare: Duration = .seconds(2)

    private let place: Place
    private let context: Context

    private enum Place {
        case live(EndpointFile)
        case network(ConnectionFile)
    }

    package init(endpoint: EndpointFile, context: Context) {
        place = .live(endpoint)
        self.context = context
    }

    /// A coordinator elsewhere, by an operator's key.
    package init(connection: ConnectionFile, context: Context) {
        place = .network(connection)
        self.context = context
    }

    /// - Returns: the number of the trial that was handed out or begun, if one was.
    /// - Throws: as `perform`.
    @discardableResult
    package func ask(_ request: OperatorRequest, timeout: Duration = .seconds(10)) throws -> Int? {
        try perform(request, timeout: timeout)["trial"]?.integerValue.flatMap { Int(exactly: $0) }
    }

    /// - Parameter timeout: how long a live coordinator may take, a full disk aside. Where it has several endpoints,
    ///   there is a fair share of it to reach each by, and at least two seconds.
    /// - Returns: the answer.
    /// - Throws: `Failure`; `.notLive` also when the coordinator ends before it has answered.
    package func perform(_ request: OperatorRequest, timeout: Duration = .seconds(10)) throws -> JSONValue {
        guard isLive else { throw Failure.notLive }
        let frames = [Array(OperatorRequest.magic.utf8), Array(request.json.text.utf8)]
        // Its socket would cut the connection without a word.
        guard frames[1].count <= ProtocolLimits.frameBytes else {
            throw Failure.refused(
                "the request has \((frames[1].count + 1023) >> 10) KiB, and a coordinator takes at most "
                    + "\(ProtocolLimits.frameBytes >> 10) KiB: put what is long in the definition into files")
        }
        let deadline = ContinuousClock.now + timeout
        let endpoints = try endpoints
        for (number, endpoint) in endpoints.enumerated() {
            let share = (deadline - .now) / (endpoints.count - number)
            var socket = try connected(to: endpoint)
            guard try send(frames, by: &socket, until: .now + max(share, Self.leastShare)) else { continue }
            // Asked once, it must not be asked elsewhere: it may be doing it already.
            guard let answer = try answer(from: &socket, until: max(deadline, .now + Self.leastShare)) else {
                throw Failure.refused("the coordinator did not answer within \(timeout.components.seconds) s")
            }
            return try Self.read(answer)
        }
        throw unreachable
    }

    /// - Returns: false where nobody is there.
    private func send(
        _ frames: [[UInt8]], by socket: inout Socket, until deadline: ContinuousClock.Instant
    ) throws -> Bool {
        while ContinuousClock.now < deadline {
            if (try? socket.send(frames)) == true { return true }
            guard isLive else { throw Failure.notLive }
            try poll(socket, timeout: .milliseconds(5))
        }
        return false
    }

    private func answer(from socket: inout Socket, until deadline: ContinuousClock.Instant) throws -> [[UInt8]]? {
        while ContinuousClock.now < deadline {
            if let answer = try socket.receive(), answer.count == 2 { return answer }
            guard isLive else { throw Failure.notLive }
            try poll(socket, timeout: .milliseconds(5))
        }
        return nil
    }

    private static func read(_ answer: [[UInt8]]) throws -> JSONValue {
        // Whoever is no operator is answered as the worker that the key makes him.
        guard answer[0] == Array(OperatorRequest.magic.utf8) else {
            throw Failure.refused("the coordinator does not take this key for an operator's")
        }
        let json = try JSONValue.parse(answer[1])
        if let error = json["error"]?.stringValue {
            throw json["again"] == nil ? Failure.refused(error) : Failure.notYet(error)
        }
        guard json["ok"] == .bool(true) else {
            throw Failure.refused("the coordinator's answer is not understood")
        }
        return json
    }

    /// The file of a killed coordinator names a process that is gone.
    private var isLive: Bool {
        switch place {
        case .live(let endpoint): kill(endpoint.processID, 0) == 0 || errno == EPERM
        case .network: true
        }
    }

    private var unreachable: Failure {
        switch place {
        case .live: .notLive
        case .network(let connection):
            .refused(
                "no answer from \(connection.endpoints.map(\.description).joined(separator: ", ")): is the daemon running, "
                    + "can this machine reach it, and does the key still count?")
        }
    }

    private var endpoints: [Endpoint] {
        get throws {
            switch place {
            case .live(let endpoint): [try Endpoint(endpoint.operators)]
            case .network(let connection): connection.endpoints
            }
        }
    }

    private func connected(to endpoint: Endpoint) throws -> Socket {
        var options = SocketOptions()
        options.immediate = true
        options.linger = .zero
        if case .network(let connection) = place {
            options.security = .curveClient(server: connection.server, own: connection.own)
        }
        var socket = try Socket(.dealer, in: context, options: options)
        try socket.connect(endpoint)
        return socket
    }
}

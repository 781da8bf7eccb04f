// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
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

    private let endpoint: EndpointFile
    private let context: Context

    package init(endpoint: EndpointFile, context: Context) {
        self.endpoint = endpoint
        self.context = context
    }

    /// - Parameter timeout: how long a live coordinator may take, a full disk aside.
    /// - Returns: the number of the trial that was handed out or begun, if one was.
    /// - Throws: `Failure`; `.notLive` also when the coordinator ends before it has answered.
    @discardableResult
    package func ask(_ request: OperatorRequest, timeout: Duration = .seconds(10)) throws -> Int? {
        // The file of a killed coordinator names a process that is gone.
        guard kill(endpoint.processID, 0) == 0 || errno == EPERM else { throw Failure.notLive }
        var options = SocketOptions()
        options.immediate = true
        options.linger = .zero
        var socket = try Socket(.dealer, in: context, options: options)
        try socket.connect(Endpoint(endpoint.operators))
        let frames = [Array(OperatorRequest.magic.utf8), Array(request.json.text.utf8)]
        let deadline = ContinuousClock.now + timeout
        var isSent = false
        while ContinuousClock.now < deadline {
            if !isSent { isSent = (try? socket.send(frames)) == true }
            if let answer = try socket.receive(), answer.count == 2 {
                let json = try? JSONValue.parse(answer[1])
                if let error = json?["error"]?.stringValue {
                    throw json?["again"] == nil ? Failure.refused(error) : Failure.notYet(error)
                }
                return json?["trial"]?.integerValue.flatMap { Int(exactly: $0) }
            }
            guard kill(endpoint.processID, 0) == 0 || errno == EPERM else { throw Failure.notLive }
            Thread.sleep(forTimeInterval: 0.005)
        }
        throw isSent
            ? Failure.refused("the coordinator did not answer within \(timeout.components.seconds) s") : Failure.notLive
    }
}

// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import Foundation
import Keys
import SweepModel
import ZeroMQ

/// Which daemon a command is meant for.
struct DaemonOptions: ParsableArguments {
    @Option(
        name: .customLong("data"),
        help: ArgumentHelp(
            "The daemon's data directory (default: $SWEEPD_DATA, else ~/.local/share/sweepd).", valueName: "dir"))
    var directory: String?

    @Flag(help: "A daemon on another machine, reached with the operator's key that `sweepd join` left.")
    var remote = false

    @Option(help: ArgumentHelp("The file of that key (default: ~/.config/sweepd/operator.json).", valueName: "file"))
    var connection: String?

    /// Whether the daemon is another machine's.
    var isElsewhere: Bool { remote || connection != nil }

    var location: DataDirectory { DataDirectory(directory ?? Self.defaultDirectory()) }

    static func defaultDirectory(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        if let named = environment["SWEEPD_DATA"], !named.isEmpty { return named }
        if let base = environment["XDG_DATA_HOME"], base.hasPrefix("/") { return base + "/sweepd" }
        return (environment["HOME"] ?? NSHomeDirectory()) + "/.local/share/sweepd"
    }

    /// - Throws: `UserError` when there is none.
    func client() throws -> OperatorClient {
        if isElsewhere {
            let path = connection ?? ConnectionFile.defaultPath(of: .operator)
            guard SecretFile(path).exists else {
                throw UserError(
                    "there is no operator's key at \(path): on the daemon's machine run  sweepd invite --operator  and "
                        + "paste the line it prints here")
            }
            return OperatorClient(connection: try ConnectionFile(reading: path, as: .operator), context: try Context())
        }
        guard let endpoint = EndpointFile(reading: location.endpointFile) else { throw notRunning }
        return OperatorClient(endpoint: endpoint, context: try Context())
    }

    func perform(_ request: OperatorRequest) throws -> JSONValue {
        do {
            return try client().perform(request)
        } catch OperatorClient.Failure.notLive {
            throw notRunning
        }
    }

    private var notRunning: UserError {
        let option = directory.map { " --data \(ShellWord.quoted($0))" } ?? ""
        return UserError(
            """
            no daemon is running on \(location.path).
            Start one with  \(Installation.called) serve\(option)
            or run the sweep here and now with  \(Installation.called) run sweep.yaml
            """)
    }
}

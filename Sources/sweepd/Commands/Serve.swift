// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import Foundation
import SweepModel
import WorkerAgent
import ZeroMQ

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the daemon: several sweeps at once, with workers here and on other machines.",
        discussion: """
            It works on every sweep of its data directory that is not over, and takes new ones from `sweepd launch`. \
            Without --listen nothing outside this machine can reach it. With --listen every connection is encrypted, and \
            only keys that came in by an invitation are served: `sweepd invite` prints the line to paste on the other \
            machine.

            SIGTERM ends it at once and loses nothing: workers on other machines go on training and are taken up again \
            when it is back.

            Examples:
              sweepd serve                                     # this machine only
              sweepd serve --listen tcp://192.168.0.4:5570     # workers attach from the network
              sweepd serve --listen 'tcp://*:5570' --advertise tcp://gpu.example.org:5570 --workers 0
            """)

    @Option(
        name: .customLong("data"),
        help: ArgumentHelp("The data directory (default: $SWEEPD_DATA, else ~/.local/share/sweepd).", valueName: "dir"))
    var directory: String?

    @Option(
        help: ArgumentHelp("Where workers of other machines are served; may be repeated.", valueName: "tcp://host:port")
    )
    var listen: [String] = []

    @Option(
        help: ArgumentHelp(
            "What other machines are told to connect to (default: what --listen says).", valueName: "tcp://host:port"))
    var advertise: [String] = []

    @Flag(
        name: .customLong("allow-command"),
        help: "Sweeps that operators launch from other machines may run their commands on this one, as this user.")
    var allowsCommands = false

    @Option(
        help: ArgumentHelp(
            "How long a worker may be out of reach before its trials go to others; one that comes back before they do goes on "
                + "with them.", valueName: "duration"))
    var leaseLifetime = "60s"

    @Flag(name: .customLong("unsafe-fs"), help: "Allow a network file system, on which a crash may lose data.")
    var allowsUnsafeFileSystem = false

    @OptionGroup var worker: WorkerArguments

    private static let lifetimes: ClosedRange<Duration> = .seconds(30) ... .seconds(86_400)

    func validate() throws {
        guard let lifetime = Quantity.duration(leaseLifetime), Self.lifetimes.contains(lifetime) else {
            throw ValidationError("--lease-lifetime must be a duration from 30s to 24h, not '\(leaseLifetime)'")
        }
    }

    func run() throws {
        // Before any thread: the guard is a fork that ends our children when we are killed.
        let processGuard = try ProcessGuard.start()
        let daemon = Daemon(
            data: DataDirectory(directory ?? DaemonOptions.defaultDirectory()), listening: try listening(),
            leaseLifetime: Quantity.duration(leaseLifetime), allowsCommands: allowsCommands,
            allowsUnsafeFileSystem: allowsUnsafeFileSystem, worker: worker,
            processGuard: processGuard)
        try daemon.run()
    }

    private func listening() throws -> Listening? {
        guard !listen.isEmpty else {
            guard advertise.isEmpty else { throw ValidationError("--advertise needs --listen") }
            return nil
        }
        let bound = try listen.map { try endpoint($0, allowsWildcard: true) }
        let named =
            advertise.isEmpty
            ? bound.filter { !$0.isWildcard } : try advertise.map { try endpoint($0, allowsWildcard: false) }
        guard !named.isEmpty else {
            throw UserError(
                "'\(listen[0])' is every address of this machine, and none that others could be told: add  "
                    + "--advertise tcp://HOST:PORT")
        }
        return Listening(endpoints: bound, advertised: named)
    }

    private func endpoint(_ text: String, allowsWildcard: Bool) throws -> Endpoint {
        do throws(Endpoint.Malformed) {
            let endpoint = try Endpoint(text, allowsWildcard: allowsWildcard)
            if endpoint.isTCP { return endpoint }
        } catch {
            throw UserError(error.description)
        }
        throw UserError("'\(Format.printable(text))': a network's address is tcp://host:port")
    }
}

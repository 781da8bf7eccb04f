// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import Foundation
import Keys
import SweepModel
import ZeroMQ

/// A daemon on another machine, for commands that otherwise look here.
struct RemoteOptions: ParsableArguments {
    @Flag(help: "On a daemon of another machine, reached with the operator's key that `sweepd join` left.")
    var remote = false

    @Option(help: ArgumentHelp("The file of that key (default: ~/.config/sweepd/operator.json).", valueName: "file"))
    var connection: String?

    /// nil when a data directory of this machine is meant.
    var daemon: DaemonOptions? {
        guard remote || connection != nil else { return nil }
        var options = DaemonOptions()
        (options.remote, options.connection, options.directory) = (true, connection, nil)
        return options
    }
}

/// A sweep that a command steers: in a data directory of this machine, live or not, or on a daemon elsewhere.
struct SweepTarget {
    let id: SweepID
    let name: String
    /// Where there is a data directory to look into.
    let subject: Subject?
    let hints: Hints
    private let ask: (OperatorRequest) throws -> JSONValue

    static func find(_ argument: String?, data: DataOptions, remote: RemoteOptions) throws -> SweepTarget {
        if let daemon = remote.daemon { return try elsewhere(argument, daemon).target }
        let subject = try Subject.find(argument, data: data)
        let steering = Steering(location: subject.location, allowsUnsafeFileSystem: data.allowsUnsafeFileSystem)
        return SweepTarget(
            id: subject.sweep.id, name: subject.sweep.name, subject: subject, hints: subject.hints,
            ask: { try steering.answer(to: $0) })
    }

    /// - Parameters:
    ///   - prefersUnfinished: whether an unfinished sweep is meant before a later one that is over, where none is named.
    ///   - verb: what the user wants to do, for the message.
    static func elsewhere(
        _ argument: String?, _ daemon: DaemonOptions, prefersUnfinished: Bool = true, verb: String = "steer"
    ) throws -> (target: SweepTarget, standing: RemoteStanding) {
        let sweeps = try daemon.perform(.sweeps)["sweeps"]?.arrayValue ?? []
        let names = sweeps.map { $0["name"]?.stringValue ?? "" }
        let preferred = sweeps.map { !prefersUnfinished || $0["state"]?.stringValue != "finished" }
        let name = try NamedSweep.source(argument)?.definition.name ?? argument
        let index = try Lookup.index(of: name, among: names, preferred: preferred, verb: verb)
        guard let number = sweeps[index]["id"]?.integerValue, let standing = RemoteStanding(sweeps[index]) else {
            throw UserError(
                "the daemon's answer is not understood: install the same release on both", status: .internalError)
        }
        let target = SweepTarget(
            id: SweepID(Int(number)), name: names[index], subject: nil, hints: Hints(data: nil),
            ask: { try patiently(daemon, $0) })
        return (target, standing)
    }

    /// Repeats what is not ready yet: the next proposal needs a fit of the model at most.
    private static func patiently(_ daemon: DaemonOptions, _ request: OperatorRequest) throws -> JSONValue {
        let deadline = ContinuousClock.now + Steering.patience
        while true {
            do {
                return try daemon.perform(request)
            } catch OperatorClient.Failure.notYet(_) where ContinuousClock.now < deadline {
                // Each time is a connection over the network.
                Thread.sleep(forTimeInterval: 0.2)
            }
        }
    }

    @discardableResult
    func perform(_ request: OperatorRequest) throws -> JSONValue { try ask(request) }

    var printedName: String { Format.printable(name) }

    /// The command that goes on with the sweep where nothing is at work on it.
    var resumption: String? {
        guard let subject, EndpointFile(reading: subject.location.endpointFile) == nil else { return nil }
        return hints.command("resume \(hints.sweep(name))")
    }
}

/// What steering commands print: one sentence, or the same as JSON.
struct SteeringReport {
    let command: String
    let json: Bool

    func tell(_ sentence: String, _ members: [JSONValue.Member]) {
        Terminal.line(json ? JSONOutput.text(command, members) : sentence)
    }
}

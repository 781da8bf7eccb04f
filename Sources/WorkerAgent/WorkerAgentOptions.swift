// SPDX-License-Identifier: MIT

import Foundation
package import Keys
package import Logging

/// What a native worker is told when it starts.
package struct WorkerAgentOptions: Sendable {
    /// The coordinator's worker endpoint, e.g. `ipc:///run/user/1000/sweepd/1f/w`.
    package var endpoint: String
    /// How a coordinator elsewhere is reached; then `endpoint` is of no account.
    package var connection: ConnectionFile?
    package var policy = LeasePolicy.local
    package var labels: [String] = []
    /// Without a word from a coordinator for so long, trials are stopped with a last checkpoint, to be handed back; and
    /// `requestDrain` waits so long without one for the acknowledgement of what it has not.
    package var offlineRun: Duration = .seconds(1800)
    /// Leaves when a coordinator was there and had nothing to do for it for so long; nil: never.
    package var idleLimit: Duration?
    /// How long what attempts left is kept where the coordinator is elsewhere; nil: for ever.
    package var keepFiles: Duration?
    /// Trials at once. With graphics cards there are at most as many slots as the cards are enough for.
    package var slots: Int
    package var gpus: GPUSelection
    /// Graphics cards a slot gets; more than one demands them.
    package var gpusPerSlot = 1
    /// What holds trials to their memory limit; nil: the best there is, found when the agent starts.
    package var enclosure: MemoryEnclosure?
    /// Leases asked for beyond the slots, so that a short trial's successor is there when it ends.
    package var prefetch: Int
    /// Name and version, for display.
    package var agentName: String
    /// A folder of our own (0700, made if absent) for the children's sockets: at most 85 bytes long.
    package var scratchDirectory: String
    /// Stands in every child's environment as SWEEPD_AGENT; `Leftovers.kill(token:)` finds them by it. Persist it before
    /// `start`.
    package var token: String
    /// The folder of the bundled Python client, put before the children's PYTHONPATH.
    package var pythonClientPath: String?
    /// This executable, for scripts that call `sweepd report`.
    package var reportExecutable: String?
    /// What children inherit, and where commands, the interpreter and `${envvar:…}` are looked up.
    package var environment: [String: String]
    /// Kills what children started if this process dies; nil leaves that to the next `Leftovers.kill`.
    package var processGuard: ProcessGuard?
    /// How long `requestStop` waits for the coordinator to acknowledge what it was told.
    package var goodbye: Duration
    /// How its user ends a worker that waits with its goodbye; nil where that is not for him to say.
    package var wayOut: String?
    package var logger: Logger
    /// How a reported checkpoint is looked at; tests have storage that does not answer.
    var isLink: @Sendable (String) -> Bool = { Files.isLink($0) }

    package init(
        endpoint: String, slots: Int, gpus: GPUSelection = .none, prefetch: Int = 0, agentName: String = "sweepd",
        scratchDirectory: String, token: String = WorkerAgentOptions.randomToken(), pythonClientPath: String? = nil,
        reportExecutable: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment,
        processGuard: ProcessGuard? = nil, goodbye: Duration = .seconds(5), logger: Logger
    ) {
        self.endpoint = endpoint
        self.slots = slots
        self.gpus = gpus
        self.prefetch = prefetch
        self.agentName = agentName
        self.scratchDirectory = scratchDirectory
        self.token = token
        self.pythonClientPath = pythonClientPath
        self.reportExecutable = reportExecutable
        self.environment = environment
        self.processGuard = processGuard
        self.goodbye = goodbye
        self.logger = logger
    }

    /// 32 hexadecimal digits.
    package static func randomToken() -> String {
        (0..<4).map { _ in
            let digits = String(UInt32.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }
}

// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import Keys
import SweepModel
import WorkerAgent

/// The random word in the environment of every process a run starts; the next run finds leftovers by it.
enum AgentToken {
    /// Ends what the previous holder of the data directory left running, and leaves a new word there.
    ///
    /// Only for who holds the directory's lock: whoever started those processes is gone then.
    static func renew(_ data: DataDirectory) throws -> String {
        let token = WorkerAgentOptions.randomToken()
        if let previous = read(data.agentFile) { _ = Leftovers.kill(token: previous) }
        let json = JSONValue.object([.init("token", .string(token))])
        do throws(SecretFile.Failure) {
            // The directory is the user's choice, and may be a group's.
            try SecretFile(data.agentFile).write(Array((json.text + "\n").utf8), isKey: false)
        } catch {
            // The store is open by now: more likely the disk than the user.
            throw UserError("\(error)", status: .internalError)
        }
        return token
    }

    private static func read(_ path: String) -> String? {
        guard let bytes = FileManager.default.contents(atPath: path) else { return nil }
        return (try? JSONValue.parse([UInt8](bytes)))?["token"]?.stringValue
    }
}

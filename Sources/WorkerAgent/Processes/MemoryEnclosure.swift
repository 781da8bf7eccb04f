// SPDX-License-Identifier: MIT

import CProcess
import Foundation

/// What holds each attempt's processes together and to the trial's memory limit. Chosen once, when the agent starts.
package struct MemoryEnclosure: Hashable, Sendable {
    private enum Means: Hashable {
        /// A control group for each attempt, in this folder.
        case groups(ControlGroup, limitsMemory: Bool)
        /// RLIMIT_DATA, and the agent's looks at resident memory.
        case sampling
    }

    private let means: Means
    /// What was chosen and why, in one line.
    package let reason: String

    /// Looks at resident memory twice a second; needs nothing.
    package static let sampling = MemoryEnclosure(means: .sampling, reason: text(sampling: "as was asked for"))

    /// What `establish` would choose, as far as looking tells: it changes nothing.
    package static var foreseen: String {
        do throws(ControlGroupPlace.Absence) {
            let place = try ControlGroupPlace.find()
            return text(place.base.path, hasMemory: place.hasMemory)
        } catch {
            return text(sampling: error.description)
        }
    }

    /// Takes control groups where they may be had. This process may be moved to a leaf below its own group, if that
    /// group was delegated to it.
    package static func establish() -> MemoryEnclosure {
        do {
            let place = try ControlGroupPlace.find()
            let group = try place.take()
            return MemoryEnclosure(
                means: .groups(group, limitsMemory: place.hasMemory),
                reason: text(place.base.path, hasMemory: place.hasMemory))
        } catch {
            return MemoryEnclosure(means: .sampling, reason: text(sampling: "\(error)"))
        }
    }

    private static func text(_ base: String, hasMemory: Bool) -> String {
        hasMemory
            ? "control groups in \(base): the kernel holds a trial's processes to its memory limit"
            : "control groups in \(base) without the memory controller: memory is looked at twice a second"
    }

    private static func text(sampling reason: String) -> String {
        "memory is looked at twice a second and held by RLIMIT_DATA: \(reason)"
    }

    /// Whether the kernel counts an attempt's processes together and ends them at the limit.
    package var limitsMemory: Bool {
        switch means {
        case .groups(_, let limitsMemory): limitsMemory
        case .sampling: false
        }
    }

    /// All attempts' group, for the guard.
    package var controlGroup: String? {
        switch means {
        case .groups(let group, _): group.path
        case .sampling: nil
        }
    }

    /// What one attempt's child starts in.
    ///
    /// - Parameters:
    ///   - name: unique among the attempts of this agent.
    ///   - limit: bytes.
    func fence(_ name: String, limit: Int64?) throws(Files.Failure) -> ChildProcess.Enclosure {
        let dataLimit = limit.map { $0 + min(Self.untouched, .max - $0) }
        switch means {
        case .sampling: return ChildProcess.Enclosure(dataLimit: dataLimit)
        case .groups(let all, let limitsMemory):
            // Those whose processes took their time to die.
            for name in Files.entries(of: all.path) where Files.isDirectory("\(all.path)/\(name)") {
                rmdir("\(all.path)/\(name)")
            }
            let group = try ControlGroup.make(
                at: "\(all.path)/\(name)", memoryLimit: limitsMemory ? limit : nil)
            return ChildProcess.Enclosure(group: group, dataLimit: limitsMemory ? nil : dataLimit)
        }
    }

    /// Kills what is left in the groups, and removes them.
    package func dissolve() {
        switch means {
        case .groups(let group, _): group.remove(within: .seconds(1))
        case .sampling: break
        }
    }

    /// Writable memory that a process maps and does not touch, beyond the limit on what it does touch.
    ///
    /// RLIMIT_DATA only has to stop what outruns the looks at resident memory before it takes the machine with it; it
    /// must not fail a trial that stays within its limit. A thread's stack counts with 8 MiB and OpenBLAS's buffer with
    /// 32 MiB, touched or not: 64 idle threads have 523 MiB of data and 14 MiB resident. RLIMIT_AS would not do at all:
    /// it counts what is only reserved (those threads: 1.5 GiB; a process that uses CUDA: more than the machine has).
    private static let untouched = Int64(1 << 30) + Int64(64 << 20) * Int64(ProcessInfo.processInfo.processorCount)
}

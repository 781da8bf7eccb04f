// SPDX-License-Identifier: MIT

import SweepModel
import ZeroMQ

/// What the loop waits for on an attempt's behalf.
enum Source {
    case exit
    case output(Attempt)
    case listener(Attempt)
    case connection(Attempt, ReportConnection)
}

extension Attempt {
    /// Adds its descriptors. While the spool is full, or a checkpoint is looked at, nothing that makes events is read:
    /// the script waits, nothing is lost.
    func watch(isSpoolFull: Bool, _ sources: inout [Source], _ watched: inout [WatchedDescriptor]) {
        func add(_ source: Source, _ descriptor: WatchedDescriptor) {
            sources.append(source)
            watched.append(descriptor)
        }
        let makesNoEvents = isSpoolFull || look != nil
        if isRunning, child.exitDescriptor >= 0 { add(.exit, WatchedDescriptor(child.exitDescriptor)) }
        if !outputIsAtEnd, !(makesNoEvents && pattern != nil) {
            add(.output(self), WatchedDescriptor(child.output))
        }
        if connections.count < ReportListener.maximumConnections {
            add(.listener(self), WatchedDescriptor(listener.descriptor))
        }
        for connection in connections {
            let reads = connection.wantsToRead && !makesNoEvents
            guard reads || connection.wantsToWrite else { continue }
            add(
                .connection(self, connection),
                WatchedDescriptor(connection.descriptor, read: reads, write: connection.wantsToWrite))
        }
    }

    /// The time for the rest of the output does not run while we refuse to read it.
    func holdDrain(now: Instant) {
        if case .draining(let exit, _) = phase { phase = .draining(exit, since: now) }
    }
}

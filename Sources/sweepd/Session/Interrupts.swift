// SPDX-License-Identifier: MIT

import Dispatch
import Foundation
import Synchronization

/// Counts the user's Ctrl-C (and SIGTERM, SIGHUP) instead of dying of them.
final class Interrupts {
    private let count: Count
    private let sources: [any DispatchSourceSignal]

    private final class Count: Sendable {
        private let value = Mutex(0)
        func add() { value.withLock { $0 += 1 } }
        var number: Int { value.withLock { $0 } }
    }

    /// - Parameter onSignal: called on a queue of its own after each.
    init(onSignal: @escaping @Sendable () -> Void) {
        let count = Count()
        self.count = count
        let queue = DispatchQueue(label: "interrupts")
        sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            // The default action would win over the source.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                count.add()
                onSignal()
            }
            source.resume()
            return source as any DispatchSourceSignal
        }
    }

    var number: Int { count.number }
}

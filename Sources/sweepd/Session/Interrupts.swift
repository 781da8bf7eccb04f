// SPDX-License-Identifier: MIT

import Dispatch
import Foundation
import Synchronization

/// Counts the user's Ctrl-C instead of dying of it. SIGTERM and SIGHUP come from who will not ask twice: they count as
/// two.
final class Interrupts {
    private let count: Count
    private let sources: [any DispatchSourceSignal]

    private final class Count: Sendable {
        private let value = Mutex(0)
        func add(_ number: Int) { value.withLock { $0 += number } }
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
                count.add(number == SIGINT ? 1 : 2)
                onSignal()
            }
            source.resume()
            return source as any DispatchSourceSignal
        }
    }

    var number: Int { count.number }
}

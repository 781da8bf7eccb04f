// SPDX-License-Identifier: MIT

import Dispatch
import Foundation
import Synchronization

/// Counts the user's Ctrl-C (and SIGTERM, SIGHUP) instead of dying of them.
final class Interrupts: Sendable {
    private let count = Mutex(0)
    private let sources: Mutex<[any DispatchSourceSignal]>

    /// - Parameter onSignal: called on a queue of its own after each.
    init(onSignal: @escaping @Sendable () -> Void) {
        sources = Mutex([])
        let queue = DispatchQueue(label: "interrupts")
        let made = [SIGINT, SIGTERM, SIGHUP].map { number in
            // The default action would win over the source.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { [weak self] in
                self?.count.withLock { $0 += 1 }
                onSignal()
            }
            source.resume()
            return source as any DispatchSourceSignal
        }
        sources.withLock { $0 = made }
    }

    var number: Int { count.withLock { $0 } }
}

// SPDX-License-Identifier: MIT

import Dispatch
import Foundation
import Synchronization

/// Counts the user's Ctrl-C instead of dying of it. SIGTERM and SIGHUP come from who will not ask twice: they count as
/// a second one, whether there was a first or not. What was started to outlive its terminal (`nohup`) does not hear
/// SIGHUP.
final class Interrupts {
    private let count: Count
    private let sources: [any DispatchSourceSignal]

    private final class Count: Sendable {
        private let value = Mutex((number: 0, isTerminated: false))
        func add(_ signal: Int32) {
            value.withLock {
                $0.number = signal == SIGINT ? $0.number + 1 : max($0.number + 1, 2)
                if signal != SIGINT { $0.isTerminated = true }
            }
        }
        var number: Int { value.withLock { $0.number } }
        var isTerminated: Bool { value.withLock { $0.isTerminated } }
    }

    /// As this process found it. Looked at once, before the first of us ignores it for its own reasons.
    private static let inheritsIgnoredHangup: Bool = {
        var action = sigaction()
        guard sigaction(SIGHUP, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }()

    /// - Parameter onSignal: called on a queue of its own after each.
    init(onSignal: @escaping @Sendable () -> Void) {
        let count = Count()
        self.count = count
        let queue = DispatchQueue(label: "interrupts")
        let numbers = Self.inheritsIgnoredHangup ? [SIGINT, SIGTERM] : [SIGINT, SIGTERM, SIGHUP]
        sources = numbers.map { number in
            // The default action would win over the source.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                count.add(number)
                onSignal()
            }
            source.resume()
            return source as any DispatchSourceSignal
        }
    }

    var number: Int { count.number }
    /// Whether any of it was no Ctrl-C.
    var isTerminated: Bool { count.isTerminated }
}

// SPDX-License-Identifier: MIT

import Foundation
package import Logging
package import SweepEngine
package import SweepModel
import SweepStore
import Synchronization
package import ZeroMQ

/// Sees what has become durable, on the coordinator's thread: copy what is needed and return.
package protocol CoordinatorObserver: Sendable {
    /// Called after every turn; `entries` is empty when only time has passed.
    func committed(_ entries: [JournalEntry], engine: borrowing Engine)
    /// The disk is full or free again; nothing is lost, nothing goes on until it is.
    func storeIsFull(_ isFull: Bool)
}

package struct CoordinatorOptions: Sendable {
    package var timers = EngineTimers()
    /// Name and version of this program, for the journal and for workers.
    package var version: String
    package var logger: Logger
    /// A file system without reliable locks or syncs is refused unless this is set.
    package var allowsUnsafeFileSystem = false
    /// Works on every sweep of the directory that is not over, and takes new ones; else only on what it is told to.
    package var servesAll = false
    /// Commands that operators of other machines launch run on this machine's workers, too.
    package var allowsCommandsFromElsewhere = false
    /// Where it listens to the network; nil: nowhere.
    package var listening: Listening?
    package init(version: String, logger: Logger) {
        self.version = version
        self.logger = logger
    }
}

/// Owns a data directory: one thread takes in messages and commands, lets the engine decide, commits, and only then
/// answers. See `CoordinatorLoop`.
package final class Coordinator: Sendable {
    package let data: DataDirectory
    package let runtime: RuntimeDirectory
    private let context: Context
    private let options: CoordinatorOptions
    private let observer: any CoordinatorObserver
    private let mailbox: Mailbox
    private let ended = Ended()

    /// - Throws: when no descriptor is left for the loop's wake-ups.
    package init(
        data: DataDirectory, context: Context, options: CoordinatorOptions, observer: any CoordinatorObserver
    ) throws {
        self.data = data
        self.context = context
        self.options = options
        self.observer = observer
        runtime = RuntimeDirectory(dataDirectory: data.path)
        mailbox = try Mailbox()
    }

    /// Locks and opens the data directory, replays its journal, binds the sockets and starts the loop.
    ///
    /// - Returns: the sweeps of the directory.
    /// - Throws: `StoreError` (locked by another, newer version, damaged, network file system, …),
    ///   `RuntimeDirectory.Failure`, `ZMQError`.
    package func start() throws -> [SweepSummary] {
        let ready = Answer<[SweepSummary]>()
        let (data, runtime, context, options) = (data, runtime, context, options)
        let (observer, mailbox, ended) = (observer, mailbox, ended)
        let thread = Thread {
            let loop: CoordinatorLoop
            do {
                loop = try CoordinatorLoop(
                    data: data, runtime: runtime, context: context, options: options, observer: observer,
                    mailbox: mailbox)
            } catch {
                ready.give(.failure(error))
                ended.signal(nil)
                return
            }
            ready.give(.success(loop.summaries))
            do {
                try loop.run()
                ended.signal(nil)
            } catch {
                ended.signal(error)
            }
        }
        thread.name = "coordinator"
        // Deep enough for SQLite and the JSON reader's recursion.
        thread.stackSize = 4 << 20
        thread.start()
        return try ready.wait()
    }

    /// Has the engine handle the stimuli in one commit.
    ///
    /// - Parameter isAbandoned: asked five times a second; when true the wait is given up (a full disk can make it long).
    /// - Returns: what was decided, when it is durable.
    /// - Throws: `EngineError` of the first stimulus that cannot be; the ones before it hold. `CancellationError`.
    package func submit(
        _ stimuli: [Stimulus], isAbandoned: () -> Bool = { false }
    ) throws -> [JournalEntry] {
        let answer = Answer<[JournalEntry]>()
        if ended.isSignalled { throw CoordinatorEnded() }
        mailbox.post(.stimuli(stimuli, reply: { answer.give($0) }))
        return try answer.wait(unless: ended, or: isAbandoned)
    }

    /// What a command of the same user asks for, without a socket between.
    ///
    /// - Returns: the answer's members.
    /// - Throws: `OperatorClient.Failure.refused`, `.notYet`; `CoordinatorEnded`.
    package func perform(_ request: OperatorRequest) throws -> JSONValue {
        let answer = Answer<JSONValue>()
        if ended.isSignalled { throw CoordinatorEnded() }
        mailbox.post(
            .request(request) { outcome in
                switch outcome {
                case .done(let members): answer.give(.success(.object(members)))
                case .notYet(let reason): answer.give(.failure(OperatorClient.Failure.notYet(reason)))
                case .failed(let reason): answer.give(.failure(OperatorClient.Failure.refused(reason)))
                }
            })
        return try answer.wait(unless: ended, or: { false })
    }

    /// No new leases from now on. Does not wait: on a full disk nothing is answered.
    package func drain() {
        mailbox.post(.stimuli([.drain], reply: { _ in }))
    }

    /// Takes back what workers outside this process hold. Does not wait.
    package func handBack() {
        mailbox.post(.stimuli([.handBack], reply: { _ in }))
    }

    /// Commits what has arrived, tells the workers, closes the store; returns when that is done.
    package func shutdown() {
        mailbox.post(.shutdown)
        ended.wait()
    }

    /// What ended the loop other than `shutdown`: an unusable disk, a lost network, a bug.
    package var failure: (any Error)? { ended.failure }
}

package struct CoordinatorEnded: Error, CustomStringConvertible {
    package init() {}
    package let description = "the coordinator has ended"
}

/// A sweep of the data directory as it was when the coordinator started.
package struct SweepSummary: Sendable {
    package let id: SweepID
    package let definition: SweepDefinition
    package let directory: String
    package let phase: SweepState.Phase
    /// Of the trials that can count towards the total.
    package let counts: StateCounts
}

/// A value that one thread waits for and another gives, once.
final class Answer<Value: Sendable>: Sendable {
    private let value = Mutex<Result<Value, any Error>?>(nil)
    private let semaphore = DispatchSemaphore(value: 0)

    func give(_ result: Result<Value, any Error>) {
        value.withLock { $0 = $0 ?? result }
        semaphore.signal()
    }

    func wait() throws -> Value {
        semaphore.wait()
        return try value.withLock { $0 ?? .failure(CoordinatorEnded()) }.get()
    }

    /// Gives up when the loop that would answer has ended.
    func wait(unless ended: Ended, or isAbandoned: () -> Bool) throws -> Value {
        while semaphore.wait(timeout: .now() + .milliseconds(200)) == .timedOut {
            if isAbandoned() { throw CancellationError() }
            if ended.isSignalled, value.withLock({ $0 == nil }) { throw ended.failure ?? CoordinatorEnded() }
        }
        return try value.withLock { $0 ?? .failure(CoordinatorEnded()) }.get()
    }
}

/// The loop's end, for any number of waiters.
final class Ended: Sendable {
    private struct State {
        var isSignalled = false
        var failure: (any Error)?
    }

    private let state = Mutex(State())
    private let group = DispatchGroup()

    init() { group.enter() }

    func signal(_ failure: (any Error)?) {
        state.withLock { $0 = State(isSignalled: true, failure: failure) }
        group.leave()
    }

    func wait() { group.wait() }

    var isSignalled: Bool { state.withLock { $0.isSignalled } }
    var failure: (any Error)? { state.withLock { $0.failure } }
}

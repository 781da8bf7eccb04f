// SPDX-License-Identifier: MIT

import Foundation
import Keys
import SweepModel
import Synchronization
package import ZeroMQ

/// The native worker: slots that run a sweep file's command as child processes.
///
/// One thread of its own holds its socket, its children and all their pipes. It outlives every child, which the kernel
/// would kill with it.
package final class WorkerAgent: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let options: WorkerAgentOptions
    private let context: Context
    private let orders: AgentOrders
    private let running = DispatchGroup()
    private let ended = Mutex(false)
    private let refused = Mutex<String?>(nil)
    private let lost = Mutex<String?>(nil)

    /// - Parameter context: the process's one libzmq context.
    /// - Throws: `ZMQError.tooManyOpenFiles`.
    package init(options: WorkerAgentOptions, context: Context) throws(ZMQError) {
        self.options = options
        self.context = context
        orders = try AgentOrders()
    }

    /// Starts the thread. Call it once.
    ///
    /// - Throws: `Failure` when the endpoint is malformed, the scratch folder cannot be made or is not ours, or no
    ///   socket can be had.
    package func start() throws {
        try Self.makeScratch(options.scratchDirectory)
        Self.removeLeftSockets(options.scratchDirectory)
        let endpoints = try options.connection?.endpoints ?? [Endpoint(options.endpoint)]
        let opened = DispatchSemaphore(value: 0)
        let failure = Mutex<String?>(nil)
        running.enter()
        let thread = Thread { [self] in
            // A signal's handler must not run between a child's fork and exec, nor cut a poll short.
            var all = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_BLOCK, &all, nil)
            do {
                let loop = try AgentLoop(options: options, context: context, orders: orders, endpoints: endpoints)
                opened.signal()
                loop.run()
                refused.withLock { $0 = loop.refusal }
                lost.withLock { $0 = loop.loss }
            } catch {
                failure.withLock { $0 = "\(error)" }
                opened.signal()
            }
            ended.withLock { $0 = true }
            running.leave()
        }
        thread.name = "sweepd-agent"
        thread.start()
        opened.wait()
        if let reason = failure.withLock({ $0 }) { throw Failure(description: "cannot start the worker: \(reason)") }
    }

    /// Starts nothing more, lets the children finish, waits until what they did is acknowledged, says goodbye and ends.
    package func requestDrain() { orders.give(.drain) }

    /// Ends the children within their grace time, hands their trials back, says goodbye and ends.
    package func requestStop() { orders.give(.stop) }

    /// Kills the children at once, hands their trials back, says goodbye and ends.
    package func requestKill() { orders.give(.kill) }

    /// Why the coordinator does not accept this worker, once it has ended of that.
    package var refusal: String? { refused.withLock { $0 } }

    /// What no coordinator has acknowledged and nobody can any more, once this worker has ended; it was logged, too.
    package var loss: String? { lost.withLock { $0 } }

    /// Whether it has nothing left to do but to wait for the coordinator's acknowledgements, after an order to end.
    package var isWaiting: Bool { orders.isWaiting }

    /// Whether the thread is through.
    package var hasEnded: Bool { ended.withLock { $0 } }

    /// Waits for the thread's end. It blocks: never call it on Swift's cooperative pool.
    ///
    /// - Parameter limit: a child that not even SIGKILL ends (stuck in a driver) must not keep us for ever.
    /// - Returns: whether it has ended.
    @discardableResult
    package func join(within limit: Duration) -> Bool {
        running.wait(timeout: .now() + .milliseconds(Int(limit.milliseconds))) == .success
    }

    /// A killed agent leaves its sockets; whoever starts one on this folder holds the data directory's lock.
    private static func removeLeftSockets(_ path: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] where name.hasSuffix(".s") {
            unlink("\(path)/\(name)")
        }
    }

    private static func makeScratch(_ path: String) throws {
        // The fence's digits and the slash follow.
        guard path.utf8.count <= 85 else {
            throw Failure(description: "the scratch folder's path is too long for sockets (85 bytes): \(path)")
        }
        try Files.makeDirectory(path)
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid(),
            status.st_mode & 0o077 == 0
        else { throw Failure(description: "\(path) belongs to someone else or others may enter it") }
    }
}

/// The mailbox from other threads to the agent's.
final class AgentOrders: Sendable {
    enum Order: Int, Comparable, Sendable {
        case none, drain, stop, kill
        static func < (left: Order, right: Order) -> Bool { left.rawValue < right.rawValue }
    }

    let wakeup: EventDescriptor
    private let order = Mutex(Order.none)
    private let waiting = Mutex(false)

    init() throws(ZMQError) {
        wakeup = try EventDescriptor()
    }

    /// A stronger order replaces a weaker one; never the other way round.
    func give(_ new: Order) {
        order.withLock { $0 = max($0, new) }
        wakeup.signal()
    }

    var current: Order { order.withLock { $0 } }

    /// The other way: what the agent's thread does about them.
    var isWaiting: Bool { waiting.withLock { $0 } }
    func setWaiting() { waiting.withLock { $0 = true } }
}

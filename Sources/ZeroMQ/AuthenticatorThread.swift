// SPDX-License-Identifier: MIT

import Glibc
import Synchronization

/// Answers every request at inproc://zeromq.zap.01 until it is stopped.
final class AuthenticatorThread: Sendable {
    private let wakeup: EventDescriptor
    private let work: Work
    private let thread: Mutex<pthread_t?>

    init(_ keys: AdmittedKeys, _ context: Context) throws(ZMQError) {
        wakeup = try EventDescriptor()
        var options = SocketOptions()
        // Of a request: at most 10 frames, none longer than 255 bytes.
        options.limit = MessageLimit(frames: 12, bytes: 1 << 14)
        options.routerMandatory = true
        var socket = try Socket(.router, in: context, options: options)
        try socket.bind(inproc: address)
        work = Work(socket, keys, wakeup)
        thread = Mutex(nil)
        let started = try start()
        thread.withLock { $0 = started }
    }

    var isRunning: Bool { !work.hasEnded.load(ordering: .acquiring) }

    /// Must not be called on the thread itself.
    func stop() {
        thread.withLock { thread in
            guard let running = thread else { return }
            work.shouldEnd.store(true, ordering: .releasing)
            wakeup.signal()
            pthread_join(running, nil)
            thread = nil
        }
    }

    private func start() throws(ZMQError) -> pthread_t {
        var thread = pthread_t()
        // The thread inherits the mask: no signal of the process is handled on it.
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_BLOCK, &all, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        let argument = unsafe Unmanaged.passRetained(work)
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument.toOpaque())
        if code != 0 {
            unsafe argument.release()
            throw ZMQError(code: code)
        }
        return thread
    }
}

/// SAFETY: `socket` is used by whoever makes the object and then, from pthread_create on, by the thread only.
private final class Work: @unchecked Sendable {
    private var socket: Socket?
    private let keys: AdmittedKeys
    private let wakeup: EventDescriptor
    let shouldEnd = Atomic(false)
    let hasEnded = Atomic(false)

    init(_ socket: consuming Socket, _ keys: AdmittedKeys, _ wakeup: EventDescriptor) {
        self.socket = consume socket
        self.keys = keys
        self.wakeup = wakeup
    }

    func run() {
        // Without its socket everybody is refused, so an error that we do not know may end it.
        if var socket = socket.take() {
            try? serve(&socket)
            // From here on nobody is admitted, and another authenticator may start.
            try? socket.unbind(inproc: address)
        }
        hasEnded.store(true, ordering: .releasing)
    }

    private func serve(_ socket: inout Socket) throws(ZMQError) {
        while !shouldEnd.load(ordering: .acquiring) {
            while let frames = try socket.receive() {
                let user = keys.user(for: ZAPRequest(frames))
                guard let answer = ZAPRequest.answer(to: frames, userID: user) else { continue }
                do throws(ZMQError) {
                    // One that cannot be queued is dropped, and the handshake ends with its time limit.
                    _ = try socket.send(answer)
                } catch {
                    // The connection went meanwhile.
                    if error != .hostUnreachable { throw error }
                }
            }
            try poll(socket, wakeup: wakeup, timeout: nil)
        }
    }
}

/// Where libzmq looks for it.
private let address = "zeromq.zap.01"

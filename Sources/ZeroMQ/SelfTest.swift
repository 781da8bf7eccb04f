// SPDX-License-Identifier: MIT

/// Whether a server that has just been bound really refuses strangers. libzmq has settings under which an authenticator
/// that says no is never asked, so what counts is what comes through.
package enum SelfTest {
    package enum Failure: Error, Hashable, Sendable {
        /// An unknown key came in, or a client without keys.
        case admitsStrangers
        /// An admitted key did not.
        case refusesAdmitted
        /// An admitted key came in, but its message does not say whose it is.
        case namesNobody
        case authenticatorStopped
        /// Not known when the time was over: to be taken for a failure.
        case undecided
        case zeroMQ(ZMQError)
    }

    /// Connects three times to `router`, which listens at `endpoint`: with a random key, with no keys, and with a random
    /// key that is admitted for the moment, so that a deaf server does not pass. Nothing of it remains queued.
    ///
    /// - Returns: messages of others that came meanwhile: the caller's to handle.
    package static func checkRefusesStrangers(
        _ router: inout Socket, at endpoint: Endpoint, server: CurveKey, domain: String, authenticator: Authenticator,
        timeout: Duration = .seconds(5)
    ) throws(Failure) -> [Message] {
        guard authenticator.isRunning else { throw .authenticatorStopped }
        return try visit(
            &router, at: endpoint, server: server, domain: domain, authenticator: authenticator, timeout: timeout)
    }

    static func visit(
        _ router: inout Socket, at endpoint: Endpoint, server: CurveKey, domain: String, authenticator: Authenticator,
        timeout: Duration
    ) throws(Failure) -> [Message] {
        do {
            let endpoint = try endpoint.local
            let admitted = try CurveKeyPair.generate()
            return try authenticator.withGuest(admitted.publicKey, as: guestID, domain: domain) {
                let unknown = try CurveKeyPair.generate()
                let context = authenticator.context
                var visit = try Visit(
                    stranger: Visitor(.curveClient(server: server, own: unknown), at: endpoint, in: context),
                    keyless: Visitor(.none, at: endpoint, in: context),
                    guest: Visitor(.curveClient(server: server, own: admitted), at: endpoint, in: context))
                return try visit.outcome(router: &router, timeout: timeout)
            }
        } catch let failure as Failure {
            throw failure
        } catch let error as ZMQError {
            throw .zeroMQ(error)
        } catch {
            throw .zeroMQ(.invalidArgument)
        }
    }

    /// No worker is called so: theirs say what they are before the colon.
    static let guestID = "self-test"
}

private struct Visit: ~Copyable {
    var stranger: Visitor
    var keyless: Visitor
    var guest: Visitor
    var guestHasArrived = false
    var others: [Message] = []

    mutating func outcome(router: inout Socket, timeout: Duration) throws -> [Message] {
        let deadline = ContinuousClock.now + timeout
        while true {
            while let message = try router.receiveMessage() { try take(message) }
            try stranger.observe()
            try keyless.observe()
            try guest.observe()
            if try isDecided() { return others }
            let left = deadline - ContinuousClock.now
            if left <= .zero { throw SelfTest.Failure.undecided }
            try poll(router, stranger.monitor.socket, keyless.monitor.socket, guest.monitor.socket, timeout: left)
        }
    }

    private mutating func take(_ message: Message) throws {
        switch message.frames.last {
        case stranger.text, keyless.text: throw SelfTest.Failure.admitsStrangers
        case guest.text:
            if message.userID != SelfTest.guestID { throw SelfTest.Failure.namesNobody }
            guestHasArrived = true
        default: others.append(message)
        }
    }

    private func isDecided() throws -> Bool {
        // It need not come to a message: the end of the handshake is the admission.
        if stranger.outcome == .succeeded || keyless.outcome == .succeeded { throw SelfTest.Failure.admitsStrangers }
        if guest.outcome == .refused || guest.outcome == .mismatched { throw SelfTest.Failure.refusesAdmitted }
        // The keyless one sees either that the server wants CURVE or only that it hung up.
        return guestHasArrived && stranger.outcome == .refused && keyless.outcome != nil
    }
}

// SPDX-License-Identifier: MIT

import Keys
import SweepModel
import SweepStore
package import ZeroMQ

/// Where the coordinator listens to the network.
package struct Listening: Sendable {
    /// To be bound.
    package var endpoints: [Endpoint]
    /// What invitations name: where other machines find what is bound.
    package var advertised: [Endpoint]
    package init(endpoints: [Endpoint], advertised: [Endpoint]) {
        self.endpoints = endpoints
        self.advertised = advertised
    }
}

/// Nobody outside of this machine can come in any more, and nothing here can mend it. Everything acknowledged is on disk:
/// the coordinator ends, and is started again.
package struct NetworkLost: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
}

/// The way in over the network: the server's key, the keys that may come in, and the authenticator that asks for them.
struct Door {
    private let listening: Listening
    private let key: CurveKeyPair
    let authenticator: Authenticator
    var keys: KeyRing
    private var admitted: Set<String> = []
    private var nextExpiry: Timestamp?
    /// When keys and invitations are looked through next: that costs a look at all of them.
    private var nextTidying: Instant?

    /// - Throws: also when the authenticator cannot be had: then nobody is listened to.
    init(_ listening: Listening, credentials: [Credential], key: CurveKeyPair, context: Context) throws {
        self.listening = listening
        self.key = key
        keys = KeyRing(credentials)
        authenticator = try Authenticator(in: context)
    }

    /// Binds, after the keys are known.
    mutating func open(_ context: Context) throws -> RemoteSocket {
        try publish(now: Clock.wall)
        return try RemoteSocket(listening.endpoints, key: key, authenticator: authenticator, context: context)
    }

    /// Tells the authenticator who may come in from now on.
    mutating func publish(now: Timestamp) throws {
        let userIDs = keys.admitted(now: now)
        try authenticator.setKeys(userIDs, domain: RemoteSocket.domain)
        admitted = Set(userIDs.values)
        nextExpiry = keys.nextExpiry(after: now)
    }

    /// Without its authenticator libzmq refuses everybody, and says nothing of it.
    func check() throws(NetworkLost) {
        if authenticator.isRunning { return }
        throw NetworkLost(description: "what looks at the keys of new connections has ended: nobody can come in")
    }

    /// Whether a key of that user id may still speak.
    func isAdmitted(_ userID: String) -> Bool { admitted.contains(userID) }

    func isExpiryDue(_ now: Timestamp) -> Bool { nextExpiry.map { $0 <= now } ?? false }

    mutating func isTidyingDue(_ now: Instant) -> Bool {
        if let due = nextTidying, now < due { return false }
        nextTidying = now + .seconds(60)
        return true
    }

    var names: [String] { keys.names }

    mutating func invite(
        _ request: OperatorRequest.Invitation, now: Timestamp
    ) throws -> (token: JoinToken, changed: [Credential]) {
        let pair = try CurveKeyPair.generate()
        let role: JoinToken.Role = request.isOperator ? .operator : .worker
        let expiry = Timestamp(milliseconds: now.milliseconds + request.lifetime.milliseconds)
        let changed = keys.invite(
            role, key: pair.publicKey, name: request.name, uses: request.uses, until: expiry, now: now)
        let token = JoinToken(
            role: role, endpoints: listening.advertised, server: key.publicKey, secret: pair.secret,
            expires: expiry.milliseconds / 1000)
        return (token, changed)
    }
}

// SPDX-License-Identifier: MIT

import Keys
import SweepModel
import SweepStore
import ZeroMQ

/// Who may come in over TCP: the public keys of workers and operators, and the invitations that are still good.
///
/// It decides; its owner saves what it returns before anybody hears of it.
struct KeyRing {
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    /// Whom the transport has established a key's holder to be. As text it is the user id of the authentication.
    enum Holder: Hashable {
        case worker(String)
        case `operator`(String)
        case invitation(key: String)

        var userID: String {
            switch self {
            case .worker(let name): "worker:\(name)"
            case .operator(let name): "operator:\(name)"
            case .invitation(let key): "enrol:\(key)"
            }
        }

        init?(userID: String) {
            guard let colon = userID.firstIndex(of: ":") else { return nil }
            let name = String(userID[userID.index(after: colon)...])
            switch userID[..<colon] {
            case "worker": self = .worker(name)
            case "operator": self = .operator(name)
            case "enrol": self = .invitation(key: name)
            default: return nil
            }
        }
    }

    private var credentials: [Credential]
    /// Since when workers whose keys serve once have been missed, as far as this process knows. Never iterated.
    private var missedSince: [String: Instant] = [:]

    /// A worker that fell silent may be behind a broken network: its key stays good for longer than it trains alone.
    private static let absence: Duration = .seconds(4 * 3600)
    /// So long after its last use a used-up invitation may still repeat an answer that got lost.
    private static let repetition: Duration = .seconds(3600)

    init(_ credentials: [Credential]) {
        self.credentials = credentials
    }

    /// The keys that may connect now, with the user ids of their holders.
    func admitted(now: Timestamp) -> [CurveKey: String] {
        var keys: [CurveKey: String] = [:]
        for credential in credentials where isGood(credential, now: now) {
            guard let key = try? CurveKey(credential.publicKey) else { continue }
            keys[key] = credential.holder.userID
        }
        return keys
    }

    /// Whether what the authentication said when the connection began still holds.
    func isAdmitted(_ holder: Holder, now: Timestamp) -> Bool {
        credentials.contains { $0.holder == holder && isGood($0, now: now) }
    }

    /// When an invitation ends next.
    func nextExpiry(after now: Timestamp) -> Timestamp? {
        credentials.filter { isGood($0, now: now) }.compactMap(\.expiresAt).min()
    }

    private func isGood(_ credential: Credential, now: Timestamp) -> Bool {
        if credential.revokedAt != nil { return false }
        if let expires = credential.expiresAt, expires <= now { return false }
        // A used-up invitation may still repeat the answer that got lost on its way.
        return true
    }

    /// - Parameter name: what the keys that it brings in are called; nil leaves it to them.
    mutating func invite(
        _ role: JoinToken.Role, key: CurveKey, name: String?, uses: Int, until expiry: Timestamp, now: Timestamp
    ) -> [Credential] {
        let invitation = Credential(
            publicKey: key.text, role: role == .worker ? .workerInvitation : .operatorInvitation, name: name ?? "",
            createdAt: now, expiresAt: expiry, usesLeft: uses)
        credentials.append(invitation)
        return [invitation]
    }

    /// The key comes in by the invitation of that public key. The same key again gets the same answer: the first one may
    /// have been lost.
    ///
    /// - Returns: its name, and what has changed.
    mutating func enrol(
        _ request: Enrolment.Request, by invitation: String, now: Timestamp
    ) throws(Refusal) -> (name: String, changed: [Credential]) {
        guard let place = credentials.firstIndex(where: { $0.publicKey == invitation && $0.role.isInvitation }),
            isGood(credentials[place], now: now)
        else { throw Refusal(description: "the invitation is no longer good") }
        if let known = credentials.first(where: { $0.publicKey == request.key.text }) {
            guard known.invitation == invitation, known.revokedAt == nil else {
                throw Refusal(description: "this key is known already and cannot come in again")
            }
            return (known.name, [])
        }
        guard let left = credentials[place].usesLeft, left > 0 else {
            throw Refusal(description: "the invitation has been used: ask for a new one (sweepd invite)")
        }
        credentials[place].usesLeft = left - 1
        let role: Credential.Role = credentials[place].role == .workerInvitation ? .worker : .operator
        let wish = credentials[place].name.isEmpty ? request.name : credentials[place].name
        let admitted = Credential(
            publicKey: request.key.text, role: role, name: freeName(wish, role), createdAt: now,
            usesLeft: request.isOnce && role == .worker ? 1 : nil, invitation: invitation)
        credentials.append(admitted)
        return (admitted.name, [credentials[place], admitted])
    }

    /// - Parameter name: a worker's or an operator's, or "invitations" for all that are open.
    /// - Returns: what has changed; empty when there is none of that name.
    mutating func revoke(_ name: String, now: Timestamp) -> [Credential] {
        var changed: [Credential] = []
        for place in credentials.indices where credentials[place].revokedAt == nil {
            let isMeant =
                name == Self.openInvitations
                ? credentials[place].role.isInvitation
                : !credentials[place].role.isInvitation && credentials[place].name == name
            guard isMeant else { continue }
            credentials[place].revokedAt = now
            changed.append(credentials[place])
        }
        return changed
    }

    /// The worker has said goodbye: a key that it kept nowhere is over with it.
    ///
    /// - Returns: what has changed.
    mutating func farewell(_ name: String, now: Timestamp) -> [Credential] {
        guard let place = credentials.firstIndex(where: { $0.isOnce && $0.name == name }) else { return [] }
        missedSince[name] = nil
        credentials[place].revokedAt = now
        return [credentials[place]]
    }

    /// Revokes keys that were kept nowhere and whose workers have not been seen for long.
    ///
    /// - Parameter isPresent: whether a worker under the key is attached, or only silent.
    /// - Returns: what has changed.
    mutating func retireMissed(_ isPresent: (String) -> Bool, at instant: Instant, now: Timestamp) -> [Credential] {
        var changed: [Credential] = []
        for place in credentials.indices where credentials[place].isOnce {
            let name = credentials[place].name
            if isPresent(name) {
                missedSince[name] = nil
            } else if let since = missedSince[name] {
                guard instant - since >= Self.absence else { continue }
                missedSince[name] = nil
                credentials[place].revokedAt = now
                changed.append(credentials[place])
            } else {
                missedSince[name] = instant
            }
        }
        return changed
    }

    /// Drops invitations that have no say any more: expired ones, and used-up ones whose last answer has long arrived.
    ///
    /// - Returns: their public keys.
    mutating func forgetInvitations(now: Timestamp) -> [String] {
        func isOver(_ invitation: Credential) -> Bool {
            if let expiry = invitation.expiresAt, expiry <= now { return true }
            guard invitation.usesLeft == 0 else { return false }
            let last = credentials.filter { $0.invitation == invitation.publicKey }.map(\.createdAt).max()
            return now.milliseconds - (last ?? invitation.createdAt).milliseconds >= Self.repetition.milliseconds
        }
        let over = credentials.filter { $0.role.isInvitation && isOver($0) }.map(\.publicKey)
        if !over.isEmpty {
            let keys = Set(over)
            credentials.removeAll { keys.contains($0.publicKey) }
        }
        return over
    }

    static let openInvitations = "invitations"

    var names: [String] { credentials.filter { !$0.role.isInvitation && $0.revokedAt == nil }.map(\.name) }

    /// The wish made printable and unique: two machines may have one host name.
    private func freeName(_ wish: String, _ role: Credential.Role) -> String {
        var name = String(
            wish.prefix(48).map { character in
                let isPlain =
                    character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
                return isPlain ? character : "-"
            })
        // Workers of this machine are called by the numbers of their processes: nobody else may be.
        let isNumber = name.allSatisfy(\.isNumber)
        if isNumber || name.hasPrefix("-") || name.hasPrefix(".") { name = "w" + name }
        if name == Self.openInvitations { name += "-1" }
        // Also not one that was revoked: the journal would have two under one name.
        let taken = Set(credentials.filter { !$0.role.isInvitation }.map(\.name))
        return taken.contains(name) ? (2...).lazy.map { "\(name)-\($0)" }.first { !taken.contains($0) } ?? name : name
    }
}

extension Credential {
    /// Whether it is good for as long as the worker that brought it in, and no longer.
    fileprivate var isOnce: Bool { role == .worker && usesLeft == 1 && revokedAt == nil }

    fileprivate var holder: KeyRing.Holder {
        switch role {
        case .worker: .worker(name)
        case .operator: .operator(name)
        case .workerInvitation, .operatorInvitation: .invitation(key: publicKey)
        }
    }
}

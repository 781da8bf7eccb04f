// SPDX-License-Identifier: MIT

import Foundation
import GRDB
package import SweepModel

/// A public key that may connect, or an invitation to bring one in. No secret is ever stored.
package struct Credential: Hashable, Sendable {
    package enum Role: String, CaseIterable, Sendable {
        case worker, `operator`
        /// The key of an invitation: it may bring in a key of that role and nothing else.
        case workerInvitation = "worker_invitation"
        case operatorInvitation = "operator_invitation"

        package var isInvitation: Bool { self == .workerInvitation || self == .operatorInvitation }
    }

    /// 40 characters of Z85.
    package let publicKey: String
    package let role: Role
    /// Unique among those of its role that have not been revoked.
    package let name: String
    package let createdAt: Timestamp
    /// Of an invitation.
    package let expiresAt: Timestamp?
    /// Of an invitation; 1 of a key that its worker does not keep, nil of any other.
    package var usesLeft: Int?
    /// The public key of the invitation that brought it in.
    package let invitation: String?
    package var revokedAt: Timestamp?

    package init(
        publicKey: String, role: Role, name: String, createdAt: Timestamp, expiresAt: Timestamp? = nil,
        usesLeft: Int? = nil, invitation: String? = nil, revokedAt: Timestamp? = nil
    ) {
        self.publicKey = publicKey
        self.role = role
        self.name = name
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.usesLeft = usesLeft
        self.invitation = invitation
        self.revokedAt = revokedAt
    }
}

extension Store {
    /// All keys there ever were, the revoked ones included, and the invitations that are not forgotten, in the order in
    /// which they were made.
    package func credentials() throws -> [Credential] {
        try read { try Credential.all($0) }
    }

    /// Adds or replaces them in one transaction. They are durable when this returns.
    package func save(_ credentials: [Credential]) throws {
        try transaction { db in
            for credential in credentials {
                try db.execute(
                    sql: """
                        INSERT INTO credential
                        (public_key, role, name, created_at, expires_at, uses_left, invitation, revoked_at)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                        ON CONFLICT (public_key) DO UPDATE SET uses_left = excluded.uses_left,
                        revoked_at = excluded.revoked_at
                        """,
                    arguments: [
                        credential.publicKey, credential.role.rawValue, credential.name,
                        credential.createdAt.milliseconds, credential.expiresAt?.milliseconds, credential.usesLeft,
                        credential.invitation, credential.revokedAt?.milliseconds,
                    ])
            }
        }
    }
}

extension Store {
    /// Removes what can have no say any more, by public key.
    package func forget(_ publicKeys: [String]) throws {
        try transaction { db in
            for key in publicKeys {
                try db.execute(sql: "DELETE FROM credential WHERE public_key = ?", arguments: [key])
            }
        }
    }
}

extension StoreReader {
    /// See `Store.credentials()`.
    package func credentials() throws -> [Credential] {
        try read { try Credential.all($0) }
    }
}

extension Credential {
    fileprivate static func all(_ db: Database) throws -> [Credential] {
        try Row.fetchAll(db, sql: "SELECT * FROM credential ORDER BY created_at, public_key").map { row in
            guard let role = Role(rawValue: row["role"]) else {
                throw MalformedRow("column role holds the unknown word '\(row["role"] as String)'")
            }
            func time(_ column: String) -> Timestamp? {
                (row[column] as Int64?).map { Timestamp(milliseconds: $0) }
            }
            return Credential(
                publicKey: row["public_key"], role: role, name: row["name"],
                createdAt: Timestamp(milliseconds: row["created_at"]), expiresAt: time("expires_at"),
                usesLeft: row["uses_left"], invitation: row["invitation"], revokedAt: time("revoked_at"))
        }
    }
}

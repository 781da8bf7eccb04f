// SPDX-License-Identifier: MIT

import Keys
import SweepModel
import SweepStore
import Testing
import ZeroMQ

@testable import Coordinator

/// Who may come in, and as whom.
@Suite struct KeyRingTests {
    private let now = Timestamp(milliseconds: 1_000_000)
    private let later = Timestamp(milliseconds: 5_000_000)

    private func invited(
        _ role: JoinToken.Role = .worker, uses: Int = 1, name: String? = nil
    ) throws -> (ring: KeyRing, invitation: CurveKey) {
        var ring = KeyRing([])
        let key = try CurveKeyPair.generate().publicKey
        _ = ring.invite(
            role, key: key, name: name, uses: uses, until: Timestamp(milliseconds: 4_000_000), now: now)
        return (ring, key)
    }

    private func request(_ name: String = "gpu1") throws -> Enrolment.Request {
        Enrolment.Request(key: try CurveKeyPair.generate().publicKey, name: name)
    }

    @Test func anInvitationBringsInOneKeyOnce() throws {
        var (ring, invitation) = try invited()
        #expect(ring.admitted(now: now) == [invitation: "enrol:\(invitation.text)"])
        let request = try request()
        let (name, changed) = try ring.enrol(request, by: invitation.text, now: now)
        #expect(name == "gpu1" && changed.count == 2)
        #expect(ring.admitted(now: now)[request.key] == "worker:gpu1")
        // Its answer may have been lost.
        #expect(try ring.enrol(request, by: invitation.text, now: now).name == "gpu1")
        #expect(throws: KeyRing.Refusal.self) { try ring.enrol(try self.request(), by: invitation.text, now: now) }
    }

    @Test func itsTimeEnds() throws {
        var (ring, invitation) = try invited()
        #expect(ring.nextExpiry(after: now) == Timestamp(milliseconds: 4_000_000))
        #expect(ring.admitted(now: later).isEmpty)
        #expect(throws: KeyRing.Refusal.self) { try ring.enrol(try request(), by: invitation.text, now: later) }
        #expect(!ring.isAdmitted(.invitation(key: invitation.text), now: later))
    }

    @Test func namesArePrintableAndUnique() throws {
        var (ring, invitation) = try invited(uses: 9)
        var names: [String] = []
        for wish in [
            "gpu1", "gpu1", "../../etc", "a\u{1b}[31m b", "", "-rf", "invitations", String(repeating: "x", count: 99),
        ] {
            names.append(try ring.enrol(try request(wish), by: invitation.text, now: now).name)
        }
        #expect(Array(names.prefix(2)) == ["gpu1", "gpu1-2"])
        #expect(Set(names).count == names.count && !names.contains("invitations"))
        for name in names {
            #expect(
                name.utf8.count <= 64
                    && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) })
            #expect(name.first.map { !"-.".contains($0) } == true)
        }
    }

    @Test func aRevokedKeyStaysOutForGood() throws {
        var (ring, invitation) = try invited(uses: 3)
        let request = try request()
        _ = try ring.enrol(request, by: invitation.text, now: now)
        #expect(ring.revoke("gpu1", now: now).map(\.publicKey) == [request.key.text])
        #expect(ring.admitted(now: now)[request.key] == nil)
        #expect(!ring.isAdmitted(.worker("gpu1"), now: now))
        #expect(throws: KeyRing.Refusal.self) { try ring.enrol(request, by: invitation.text, now: now) }
        #expect(ring.revoke("gpu1", now: now).isEmpty)
        // Nor does another take its name.
        #expect(try ring.enrol(try self.request(), by: invitation.text, now: now).name == "gpu1-2")
    }

    @Test func openInvitationsAreWithdrawn() throws {
        var (ring, invitation) = try invited(uses: 5)
        #expect(ring.revoke(KeyRing.openInvitations, now: now).count == 1)
        #expect(ring.admitted(now: now).isEmpty)
        #expect(throws: KeyRing.Refusal.self) { try ring.enrol(try request(), by: invitation.text, now: now) }
    }

    @Test func anOperatorsInvitationMakesNoWorker() throws {
        var (ring, invitation) = try invited(.operator)
        let request = try request("laptop")
        _ = try ring.enrol(request, by: invitation.text, now: now)
        #expect(ring.admitted(now: now)[request.key] == "operator:laptop")
        #expect(!ring.isAdmitted(.worker("laptop"), now: now))
    }

    @Test func aKeyComesInThroughOneInvitationOnly() throws {
        var (ring, first) = try invited()
        let second = try CurveKeyPair.generate().publicKey
        _ = ring.invite(.operator, key: second, name: nil, uses: 1, until: later, now: now)
        let request = try request()
        _ = try ring.enrol(request, by: first.text, now: now)
        #expect(throws: KeyRing.Refusal.self) { try ring.enrol(request, by: second.text, now: now) }
        #expect(throws: KeyRing.Refusal.self) { try ring.enrol(try self.request(), by: request.key.text, now: now) }
    }

    @Test func theHoldersOfUserIDsAreReadBack() {
        for holder in [KeyRing.Holder.worker("a:b"), .operator("x"), .invitation(key: "k")] {
            #expect(KeyRing.Holder(userID: holder.userID) == holder)
        }
        #expect(KeyRing.Holder(userID: "root:x") == nil && KeyRing.Holder(userID: "worker") == nil)
        #expect(KeyRing.Holder(userID: "self-test") == nil)
    }
}

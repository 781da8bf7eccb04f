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

    private func once(_ name: String = "node") throws -> Enrolment.Request {
        Enrolment.Request(key: try CurveKeyPair.generate().publicKey, name: name, isOnce: true)
    }

    /// Each task of each job brings in one: none may stay good.
    @Test func aKeyThatIsKeptNowhereEndsWithItsWorker() throws {
        var (ring, invitation) = try invited(uses: 9)
        let kept = try request(), job = try once()
        for request in [kept, job] { _ = try ring.enrol(request, by: invitation.text, now: now) }
        #expect(ring.names == ["gpu1", "node"])
        #expect(ring.farewell("gpu1", now: now).isEmpty)
        #expect(ring.farewell("node", now: now).map(\.publicKey) == [job.key.text])
        #expect(ring.names == ["gpu1"] && ring.admitted(now: now)[job.key] == nil)
        #expect(!ring.isAdmitted(.worker("node"), now: now) && ring.isAdmitted(.worker("gpu1"), now: now))
        #expect(ring.farewell("node", now: now).isEmpty)
        // Its name is taken for good.
        #expect(try ring.enrol(try once(), by: invitation.text, now: now).name == "node-2")
    }

    @Test func aJobThatWentWithoutAWordIsMissedForHours() throws {
        var (ring, invitation) = try invited(uses: 9)
        _ = try ring.enrol(try once(), by: invitation.text, now: now)
        _ = try ring.enrol(try request(), by: invitation.text, now: now)
        func at(_ hours: Int) -> Instant { Instant(milliseconds: Int64(hours) * 3_600_000) }
        func retired(_ hours: Int, isPresent: Bool = false) -> [String] {
            ring.retireMissed({ _ in isPresent }, at: at(hours), now: now).map(\.name)
        }
        #expect(retired(1).isEmpty && retired(4).isEmpty)
        // It was a broken network.
        #expect(retired(5, isPresent: true).isEmpty && retired(6).isEmpty && retired(9).isEmpty)
        #expect(retired(10) == ["node"] && retired(99).isEmpty)
        #expect(ring.names == ["gpu1"])
    }

    @Test func invitationsThatAreOverAreForgotten() throws {
        var (ring, expiring) = try invited()
        let used = try CurveKeyPair.generate().publicKey
        _ = ring.invite(.worker, key: used, name: nil, uses: 1, until: Timestamp(milliseconds: 9_000_000), now: now)
        func forgotten(_ milliseconds: Int64) -> [String] {
            ring.forgetInvitations(now: Timestamp(milliseconds: milliseconds))
        }
        let request = try request()
        _ = try ring.enrol(request, by: used.text, now: Timestamp(milliseconds: 2_000_000))
        // It may have to repeat its answer.
        #expect(forgotten(3_000_000).isEmpty)
        #expect(forgotten(4_000_000) == [expiring.text])
        #expect(forgotten(5_500_000).isEmpty && forgotten(5_600_000) == [used.text])
        #expect(ring.names == ["gpu1"] && ring.admitted(now: later)[request.key] == "worker:gpu1")
        #expect(throws: KeyRing.Refusal.self) { try ring.enrol(try self.request(), by: used.text, now: later) }
    }

    @Test func anEnrolmentSaysWhetherTheKeyIsKept() throws {
        for request in [try once(), try request()] {
            #expect(try Enrolment.Request(bytes: Array(request.json.text.utf8)) == request)
        }
    }

    @Test func theHoldersOfUserIDsAreReadBack() {
        for holder in [KeyRing.Holder.worker("a:b"), .operator("x"), .invitation(key: "k")] {
            #expect(KeyRing.Holder(userID: holder.userID) == holder)
        }
        #expect(KeyRing.Holder(userID: "root:x") == nil && KeyRing.Holder(userID: "worker") == nil)
        #expect(KeyRing.Holder(userID: "self-test") == nil)
    }
}

// SPDX-License-Identifier: MIT

import Keys
import Logging
import SweepEngine
import SweepModel
import SweepStore
import ZeroMQ

/// Invitations, enrolment and revocation. What changes is durable before anybody hears of it.
extension CoordinatorLoop {
    func invite(_ request: OperatorRequest.Invitation) -> OperatorService.Outcome {
        guard var door else {
            return .failed(
                "this coordinator listens to no network: start the daemon with  sweepd serve --listen tcp://…")
        }
        do {
            let (token, changed) = try door.invite(request, now: Clock.wall)
            try store.save(changed)
            try door.publish(now: Clock.wall)
            self.door = door
            return .done([.init("token", .string(token.text)), .init("expires", .integer(token.expires))])
        } catch {
            return .failed("\(error)")
        }
    }

    /// The answer's frames.
    func enrol(_ body: [UInt8], by invitation: String) -> [[UInt8]] {
        let answer: Enrolment.Answer
        do {
            guard var door else { throw KeyRing.Refusal(description: "nobody may come in") }
            let request = try Enrolment.Request(bytes: body)
            let (name, changed) = try door.keys.enrol(request, by: invitation, now: Clock.wall)
            failpoints.reach(.beforeEnrolment)
            try store.save(changed)
            failpoints.reach(.afterEnrolment)
            try door.publish(now: Clock.wall)
            self.door = door
            if !changed.isEmpty { options.logger.info("a key has come in", metadata: ["name": "\(name)"]) }
            answer = .admitted(name: name)
        } catch {
            answer = .refused("\(error)")
        }
        return [Array(Enrolment.magic.utf8), Array(answer.json.text.utf8)]
    }

    /// Workers under the key lose their leases in this turn, and all connections are cut: those whose keys count are back
    /// in a moment.
    func revoke(_ name: String, _ turn: inout Turn) -> OperatorService.Outcome {
        guard var door else { return .failed("this coordinator listens to no network") }
        do {
            let changed = door.keys.revoke(name, now: Clock.wall)
            if changed.isEmpty {
                let hint = nearestWord(to: name, in: door.names).map { ": did you mean '\($0)'?" } ?? ""
                return .failed("there is no key '\(name)'\(hint)")
            }
            failpoints.reach(.beforeRevocation)
            try store.save(changed)
            failpoints.reach(.afterRevocation)
            try door.publish(now: Clock.wall)
            self.door = door
            for credential in changed where credential.role == .worker {
                _ = handle(.revoke(key: credential.name), &turn)
            }
            turn.cutsConnections = true
            return .done([.init("revoked", .integer(Int64(changed.count)))])
        } catch {
            return .failed("\(error)")
        }
    }

    /// A key that its worker kept nowhere ends with it: else each job of a cluster would leave a good one behind.
    func farewell(of name: String?) {
        guard let name, var door else { return }
        let changed = door.keys.farewell(name, now: Clock.wall)
        if !changed.isEmpty { renew(door, changed) }
    }

    /// Ends keys of jobs that went without a word, and forgets invitations that are over.
    func tidyKeys() {
        guard var door, door.isTidyingDue(Clock.boot) else { return }
        self.door = door
        let present = Set(engine.workers.values.compactMap(\.facts.key))
        let changed = door.keys.retireMissed(present.contains, at: Clock.boot, now: Clock.wall)
        let forgotten = door.keys.forgetInvitations(now: Clock.wall)
        renew(door, changed, forgotten: forgotten)
    }

    /// Nothing has changed where the store does not take it.
    private func renew(_ changedDoor: Door, _ changed: [Credential], forgotten: [String] = []) {
        var door = changedDoor
        do {
            if !changed.isEmpty { try store.save(changed) }
            if !forgotten.isEmpty { try store.forget(forgotten) }
            if !changed.isEmpty || !forgotten.isEmpty { try door.publish(now: Clock.wall) }
            self.door = door
        } catch {
            options.logger.error("the keys could not be renewed", metadata: ["reason": "\(error)"])
        }
    }

    /// An invitation's time is over when the clock says so, not when somebody tries it.
    func expireInvitations() {
        guard var door, door.isExpiryDue(Clock.wall) else { return }
        do {
            try door.publish(now: Clock.wall)
            self.door = door
        } catch {
            options.logger.error("the keys could not be renewed", metadata: ["reason": "\(error)"])
        }
    }
}

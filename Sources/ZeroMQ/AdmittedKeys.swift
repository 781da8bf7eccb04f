// SPDX-License-Identifier: MIT

import Synchronization

/// Which keys come in, and as whom. One list a domain; a domain without one admits nobody.
final class AdmittedKeys: Sendable {
    private struct State {
        var users: [String: [CurveKey: String]] = [:]
        /// Of self-tests.
        var guests: [String: [CurveKey: String]] = [:]
        var refusals = 0
        var lastRefusal: Authenticator.Refusal?
    }

    private let state = Mutex(State())

    func set(_ keys: [CurveKey: String], domain: String) {
        state.withLock { $0.users[domain] = keys }
    }

    /// nil takes the key away.
    func setGuest(_ key: CurveKey, as userID: String?, domain: String) {
        state.withLock { $0.guests[domain, default: [:]][key] = userID }
    }

    /// The user whose request it is; nil refuses it and counts.
    func user(for request: ZAPRequest?) -> String? {
        state.withLock { state in
            if let request, let key = request.key,
                let user = state.users[request.domain]?[key] ?? state.guests[request.domain]?[key]
            {
                return user
            }
            state.refusals += 1
            state.lastRefusal = request.map {
                Authenticator.Refusal(domain: $0.domain, address: $0.address, key: $0.key)
            }
            return nil
        }
    }

    var refusals: Int { state.withLock { $0.refusals } }
    var lastRefusal: Authenticator.Refusal? { state.withLock { $0.lastRefusal } }
}

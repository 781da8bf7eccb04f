// SPDX-License-Identifier: MIT

import Testing

@testable import ZeroMQ

/// What no libzmq sends, but who knows.
@Suite struct ZAPRequestTests {
    static let key = [UInt8](repeating: 7, count: 32)

    private static func request(
        version: String = "1.0", mechanism: String = "CURVE", credentials: [[UInt8]] = [key]
    ) -> [[UInt8]] {
        [[0, 1], [], bytes(version), bytes("1"), bytes("sweepd"), bytes("127.0.0.1"), [], bytes(mechanism)]
            + credentials
    }

    private func admitted(_ frames: [[UInt8]]) throws -> String? {
        let keys = AdmittedKeys()
        keys.set([try #require(CurveKey(bytes: Self.key)): "worker:1"], domain: "sweepd")
        let user = keys.user(for: ZAPRequest(frames))
        #expect(keys.refusals == (user == nil ? 1 : 0))
        return user
    }

    @Test func aProperOneIsAdmitted() throws {
        #expect(try admitted(Self.request()) == "worker:1")
    }

    private static let others: [[[UInt8]]] = [
        [], [[0, 1]], [[0, 1], []], Array(request().prefix(7)), Array(request().prefix(8)), request() + [[1]],
        request(version: "2.0"), request(version: ""), request(mechanism: "NULL", credentials: []),
        request(mechanism: "NULL"), request(mechanism: "PLAIN", credentials: [bytes("worker:1"), bytes("guess")]),
        request(mechanism: "curve"), request(credentials: [[]]), request(credentials: [Array(key.dropLast())]),
        request(credentials: [key + [7]]), request(credentials: [[UInt8](repeating: 8, count: 32)]),
        request(credentials: [[UInt8](repeating: 0, count: 32)]), [[0, 1], [9]] + request().dropFirst(2),
        Array(request().dropFirst()),
    ]

    @Test(arguments: others)
    func othersAreRefused(frames: [[UInt8]]) throws {
        #expect(try admitted(frames) == nil)
    }

    @Test func theAnswerRepeatsTheRequestsNumber() {
        let yes = ZAPRequest.answer(to: Self.request(), userID: "worker:1")
        #expect(yes == [[0, 1], [], bytes("1.0"), bytes("1"), bytes("200"), bytes("OK"), bytes("worker:1"), []])
        let no = ZAPRequest.answer(to: Self.request(), userID: nil)
        #expect(no == [[0, 1], [], bytes("1.0"), bytes("1"), bytes("400"), bytes("refused"), [], []])
        #expect(ZAPRequest.answer(to: [[0, 1], []], userID: nil)?[4] == bytes("400"))
        #expect(ZAPRequest.answer(to: [], userID: nil) == nil)
    }
}

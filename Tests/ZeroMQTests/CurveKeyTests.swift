// SPDX-License-Identifier: MIT

import Testing
import ZeroMQ

@Suite struct CurveKeyTests {
    @Test func thePublicKeyFollowsFromTheSecretOne() throws {
        let pair = try CurveKeyPair.generate()
        #expect(try CurveKeyPair(secret: CurveSecretKey(pair.secret.text)) == pair)
        #expect(try CurveKey(pair.publicKey.text) == pair.publicKey)
        #expect(try CurveKeyPair.generate() != pair)
    }

    @Test(arguments: [
        "", String(repeating: "a", count: 39), String(repeating: "a", count: 41), String(repeating: "ä", count: 20),
        String(repeating: "a", count: 39) + "~", String(repeating: "a", count: 39) + "\"",
        String(repeating: "a", count: 39) + "\0", String(repeating: "a", count: 39) + "\n",
        // More than 32 bits.
        String(repeating: "#", count: 40), String(repeating: "a", count: 35) + "%nSc1",
        String(repeating: "0", count: 40),
    ])
    func refused(text: String) {
        #expect(throws: CurveKey.Malformed.self) { try CurveKey(text) }
        #expect(throws: CurveKey.Malformed.self) { try CurveSecretKey(text) }
    }

    @Test func theLargestGroupIsTaken() throws {
        #expect(try CurveKey(String(repeating: "a", count: 35) + "%nSc0").text.hasSuffix("%nSc0"))
    }

    @Test(arguments: [
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
        "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
    ])
    func theKeysOfTheManualAreRefused(text: String) {
        #expect(throws: CurveKey.Malformed.self) { try CurveKey(text) }
        #expect(throws: CurveKey.Malformed.self) { try CurveSecretKey(text) }
    }

    /// Somebody pastes the secret where the public key belongs: the message goes to the log.
    @Test func aRefusalDoesNotRepeatTheText() throws {
        let secret = try CurveKeyPair.generate().secret.text
        do {
            _ = try CurveKey(secret + " ")
            Issue.record("it was taken")
        } catch {
            #expect(!"\(error)".contains(secret))
            #expect("\(error)".contains("40 characters"))
        }
    }

    @Test func secretsStayOutOfDescriptionsAndDumps() throws {
        let pair = try CurveKeyPair.generate()
        var server = SocketOptions()
        server.security = .curveServer(pair.secret, domain: "sweepd")
        var client = SocketOptions()
        client.security = .curveClient(server: pair.publicKey, own: pair)
        var shown = ""
        for options in [server, client] {
            dump(options, to: &shown)
            dump(options.security, to: &shown)
            shown +=
                "\(options) \(options.security) \(String(reflecting: options)) \(String(reflecting: options.security))"
        }
        dump(pair, to: &shown)
        dump(pair.secret, to: &shown)
        shown += "\(pair) \(pair.secret) \(String(reflecting: pair)) \(String(reflecting: pair.secret))"
        shown += "\(Optional(pair.secret) as Any) \([pair.secret]) \(["key": pair.secret])"
        #expect(!shown.contains(pair.secret.text))
        #expect(shown.contains(pair.publicKey.text), "it shows something at all")
    }
}

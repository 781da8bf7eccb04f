// SPDX-License-Identifier: MIT

import Foundation
import Testing
import ZeroMQ

@testable import Keys

@Suite("Join tokens")
struct JoinTokenTests {
    private func token() throws -> JoinToken {
        JoinToken(
            role: .worker, endpoints: [try Endpoint("tcp://gpu.example:5570"), try Endpoint("tcp://[fd00::1]:5570")],
            server: try CurveKeyPair.generate().publicKey, secret: try CurveKeyPair.generate().secret,
            expires: 1_900_000_000)
    }

    @Test("what is written is read back, whatever white space the paste brought")
    func roundTrip() throws {
        let token = try token()
        let read = try JoinToken("  \(token.text)\n")
        #expect(read.endpoints == token.endpoints && read.server == token.server && read.secret == token.secret)
        #expect(read.role == .worker && read.expires == token.expires)
        #expect(!token.text.contains("+") && !token.text.contains("/") && !token.text.contains("="))
    }

    @Test("a damaged, foreign or future token is refused without being repeated")
    func refusals() throws {
        let good = try token().text
        func encoded(_ json: String) -> String { JoinToken.prefix + Data(json.utf8).base64EncodedString() }
        let server = try CurveKeyPair.generate().publicKey.text, secret = try CurveKeyPair.generate().secret.text
        func json(v: Int = 1, role: String = "worker", endpoints: String = #"["tcp://a:1"]"#, key: String) -> String {
            #"{"v":\#(v),"role":"\#(role)","endpoints":\#(endpoints),"server":"\#(key)","secret":"\#(secret)","expires":1}"#
        }
        let escaped = server.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        let bad = [
            "", "sweepd1.", "hello", String(good.dropLast(7)), good + good, "sweepd2." + good.dropFirst(8),
            encoded("[]"), encoded(json(v: 2, key: escaped)), encoded(json(role: "root", key: escaped)),
            encoded(json(endpoints: "[]", key: escaped)),
            encoded(json(endpoints: #"["ipc:///etc/passwd"]"#, key: escaped)),
            encoded(json(endpoints: #"["tcp://*:1"]"#, key: escaped)), encoded(json(key: "short")),
            JoinToken.prefix + String(repeating: "A", count: 5000),
        ]
        for text in bad {
            let error = #expect(throws: JoinToken.Malformed.self, "\(text.prefix(20))") { try JoinToken(text) }
            #expect(error?.description.contains(secret) == false)
            if text.count > 12 { #expect(error?.description.contains(text.dropFirst(8)) == false) }
        }
    }

    @Test("the secret stands in no dump and no description")
    func secrecy() throws {
        let token = try token()
        var dumped = ""
        dump(token, to: &dumped)
        #expect(!dumped.contains(token.secret.text) && !"\(token)".contains(token.secret.text))
    }
}

@Suite("Key files")
struct SecretFileTests {
    private func folder() throws -> String {
        let path = NSTemporaryDirectory() + "keys-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        chmod(path, 0o700)
        return path
    }

    @Test("a connection file is read as it was written, mode 0600")
    func connection() throws {
        let path = try folder() + "/deep/worker.json"
        let file = ConnectionFile(
            role: .worker, name: "gpu1", endpoints: [try Endpoint("tcp://h:1")],
            server: try CurveKeyPair.generate().publicKey, own: try CurveKeyPair.generate())
        try file.write(to: path)
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let read = try ConnectionFile(reading: path, as: .worker)
        #expect(read.own == file.own && read.server == file.server && read.name == "gpu1")
        #expect(throws: SecretFile.Failure.self) { try ConnectionFile(reading: path, as: .operator) }
    }

    @Test("whether a key can be kept is known before there is one")
    func preparation() throws {
        let folder = try folder()
        try SecretFile(folder + "/deep/key").prepare()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/deep").isEmpty)
        try SecretFile(folder + "/key").write([1])
        try SecretFile(folder + "/key").prepare()
        #expect(try SecretFile(folder + "/key").read() == [1])
        #expect(throws: SecretFile.Failure.self) { try SecretFile(folder + "/deep").prepare() }
        #expect(throws: SecretFile.Failure.self) { try SecretFile(folder + "/key/key").prepare() }
    }

    @Test("a key that others may read, a link and a folder that others may write to are refused")
    func unsafe() throws {
        let folder = try folder()
        let file = SecretFile(folder + "/key")
        try file.write(Array("secret".utf8))
        #expect(try file.read() == Array("secret".utf8))
        chmod(file.path, 0o644)
        #expect(throws: SecretFile.Failure.self) { try file.read() }
        chmod(file.path, 0o600)
        symlink(file.path, folder + "/link")
        #expect(throws: SecretFile.Failure.self) { try SecretFile(folder + "/link").read() }
        #expect(throws: SecretFile.Failure.self) { try SecretFile(folder).read() }
        #expect(throws: SecretFile.Failure.self) { try SecretFile(folder + "/absent").read() }
        mkdir(folder + "/open", 0o777)
        chmod(folder + "/open", 0o777)
        #expect(throws: SecretFile.Failure.self) { try SecretFile(folder + "/open/key").write([1]) }
    }
}

// SPDX-License-Identifier: MIT

import Testing
import ZeroMQ

@Suite struct EndpointTests {
    @Test(arguments: [
        "ipc:///run/user/1000/sweepd/w.sock",
        "ipc:///" + String(repeating: "a", count: 106),
        "tcp://127.0.0.1:5555",
        "tcp://trainer-7.example.org:65535",
        "tcp://[::1]:5555",
    ])
    func accepted(text: String) throws {
        #expect(try Endpoint(text).description == text)
    }

    @Test(arguments: [
        "", "ipc://", "ipc://relative", "ipc://@abstract", "ipc://*", "ipc:///", "ipc:///directory/",
        "ipc:///" + String(repeating: "a", count: 107), "ipc:///a\0b", "ipc:///a\nb",
        "tcp://", "tcp://host", "tcp://:5555", "tcp://*:5555", "tcp://host:*", "tcp://host:0", "tcp://host:65536",
        "tcp://host:+80", "tcp://host:", "tcp://a b:80", "tcp://[]:80", "tcp://::1:80", "tcp://eth0;1.2.3.4:80",
        "tcp://-h:80", "TCP://host:80", "ws://host:80", "inproc://a", "udp://host:80", "/run/w.sock",
    ])
    func refused(text: String) {
        #expect(throws: Endpoint.Malformed.self) { try Endpoint(text) }
    }

    static let wildcards = [
        "tcp://*:5555", "tcp://0.0.0.0:5555", "tcp://[::]:5555", "tcp://0:5555", "tcp://0x0:5555", "tcp://0.0:5555",
        "tcp://00.0.0.0:5555", "tcp://[0:0:0:0:0:0:0:0]:5555", "tcp://[::0.0.0.0]:5555", "tcp://[::ffff:0.0.0.0]:5555",
    ]

    @Test(arguments: wildcards)
    func allInterfacesOnlyOnRequest(text: String) throws {
        #expect(throws: Endpoint.Malformed.self) { try Endpoint(text) }
        #expect(throws: Endpoint.Malformed.self) { try Endpoint(text, allowsEphemeralPort: true) }
        #expect(try Endpoint(text, allowsWildcard: true).isWildcard)
    }

    @Test(arguments: ["tcp://127.0.0.1:0", "tcp://127.0.0.1:*", "tcp://[::1]:0"])
    func theKernelsChoiceOfAPortOnlyOnRequest(text: String) throws {
        #expect(throws: Endpoint.Malformed.self) { try Endpoint(text) }
        #expect(throws: Endpoint.Malformed.self) { try Endpoint(text, allowsWildcard: true) }
        #expect(try !Endpoint(text, allowsEphemeralPort: true).isWildcard)
    }

    @Test(arguments: ["tcp://[1]:5", "tcp://[:::]:5", "tcp://[1:2]:5", "tcp://[::1%lo]:5", "tcp://**:5", "tcp://*.*:5"])
    func evenThenOthersAreRefused(text: String) {
        #expect(throws: Endpoint.Malformed.self) {
            try Endpoint(text, allowsWildcard: true, allowsEphemeralPort: true)
        }
    }

    @Test func tcpIsToldFromIPC() throws {
        #expect(try Endpoint("tcp://10.0.0.1:5").isTCP)
        #expect(try !Endpoint("ipc:///a").isTCP)
        #expect(try !Endpoint("ipc:///a").isWildcard)
    }
}

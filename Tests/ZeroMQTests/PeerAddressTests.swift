// SPDX-License-Identifier: MIT

import Testing
import ZeroMQ

@Suite struct PeerAddressTests {
    @Test(arguments: ["localhost", "a b", "host.example.org", "ä"])
    func theKernelsNameOfAPeer(host: String) throws {
        let address = try #require(PeerAddress("\(host):1000:100:4711"))
        #expect((address.uid, address.gid, address.pid) == (1000, 100, 4711))
    }

    @Test func theHighestUserIsOne() {
        #expect(PeerAddress("localhost:4294967295:0:0")?.uid == .max)
    }

    @Test(arguments: [
        "", "localhost", ":::", "localhost:::", "localhost:1000:100", "localhost:1000:100:4711:1", ":1000:100:4711",
        "localhost:+1000:100:4711", "localhost:1000:100:-4", "localhost:0x10:100:4711", "localhost:1000:100:",
        "localhost:4294967296:0:0", "localhost:1000: 100:4711", "localhost:１０:100:4711",
        // Addresses of tcp that a peer can choose.
        "127.0.0.1", "::1", "::1000:1000:7", "2001:db8::1000:1000:7", "fe80::1000:100:4711%eth0",
        "1:2:3:4:5:1000:100:7",
        "1000::100:7", "1000:100:7::",
    ])
    func refused(text: String) {
        #expect(PeerAddress(text) == nil)
    }
}

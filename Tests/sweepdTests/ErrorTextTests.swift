// SPDX-License-Identifier: MIT

import SweepStore
import Testing

@testable import Coordinator
@testable import sweepd

@Suite struct ErrorTextTests {
    /// systemd starts nothing again that ended with bad input.
    @Test(arguments: [StoreError.diskFull("/d"), .busy("/d/sweepd.sqlite")])
    func whatPassesIsNoBadInputOfADaemon(error: StoreError) {
        #expect(ErrorText.of(ErrorText.ofDaemon(error))?.status == .internalError)
        #expect(ErrorText.of(ErrorText.ofDaemon(error))?.message == error.description)
        // Somebody sits before a command, and can mend it.
        #expect(ErrorText.of(error)?.status == .badInput)
    }

    @Test func aLostNetworkIsNoBadInput() {
        let text = ErrorText.of(ErrorText.ofDaemon(NetworkLost(description: "why")))
        #expect(text?.status == .internalError && text?.message.contains("(why)") == true)
    }

    @Test(arguments: [StoreError.locked(directory: "/d", holder: "1"), .readOnly("/d"), .notADirectory("/d")])
    func whatDoesNotPassIs(error: StoreError) {
        #expect(ErrorText.of(ErrorText.ofDaemon(error))?.status == .badInput)
    }
}

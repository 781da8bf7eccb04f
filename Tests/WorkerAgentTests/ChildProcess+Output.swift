// SPDX-License-Identifier: MIT

import Foundation

@testable import WorkerAgent

extension ChildProcess {
    /// Reads until the child has ended and is reaped. On the thread that started it: the kernel would kill it with that.
    borrowing func outputAtEnd() -> (exit: Exit, output: [UInt8]) {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            var item = pollfd(fd: self.output, events: Int16(POLLIN), revents: 0)
            _ = Foundation.poll(&item, 1, 10)
            let count = Foundation.read(self.output, &buffer, buffer.count)
            if count > 0 {
                text += buffer[..<count]
                continue
            }
            if let exit = reap() { return (exit, text) }
        }
    }
}

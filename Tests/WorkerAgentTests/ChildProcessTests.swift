// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import WorkerAgent

@Suite struct ChildProcessTests {
    /// Runs on a thread that lives until the child is reaped: the kernel would kill it with its thread.
    private func run(
        _ arguments: [String], environment: [String: String] = ["PATH": "/usr/bin:/bin"], directory: String = "/",
        whileRunning: (borrowing ChildProcess) -> Void = { _ in }
    ) throws -> (exit: ChildProcess.Exit, output: [UInt8]) {
        let child = try ChildProcess.start(
            path: arguments[0], arguments: arguments, environment: environment, directory: directory)
        whileRunning(child)
        return child.outputAtEnd()
    }

    private func sh(_ script: String) -> [String] { ["/bin/sh", "-c", script] }

    @Test(arguments: [
        ("exit 0", ChildProcess.Exit.Kind.code(0)), ("exit 3", .code(3)), ("kill -9 $$", .signal(SIGKILL)),
        ("kill -TERM $$", .signal(SIGTERM)),
    ])
    func tellsHowAChildEnds(script: String, expected: ChildProcess.Exit.Kind) throws {
        #expect(try run(sh(script)).exit.kind == expected)
    }

    @Test func wordsAndEnvironmentArriveByteForByte() throws {
        let words = ["/usr/bin/env", "printf", "%s|", "a b", "$(id)", "`x`", "'", "-n", "é\n", ""]
        #expect(String(decoding: try run(words).output, as: UTF8.self) == "a b|$(id)|`x`|'|-n|é\n||")
        let output = try run(["/usr/bin/env"], environment: ["A": "1", "B": "x=y z"]).output
        #expect(String(decoding: output, as: UTF8.self) == "A=1\nB=x=y z\n")
    }

    @Test func theChildHasNothingOfOurs() throws {
        let script = "pwd; ls /proc/self/fd | wc -l; readlink /proc/self/fd/0; grep -E 'Sig(Blk|Ign)' /proc/self/status"
        let lines = String(decoding: try run(sh(script), directory: "/usr").output, as: UTF8.self).split(
            separator: "\n")
        // 0, 1, 2 and the one with which ls reads the folder.
        #expect(lines.prefix(3) == ["/usr", "4", "/dev/null"])
        for line in lines.dropFirst(3) {
            let set = UInt64(line.split(separator: "\t").last ?? "", radix: 16)
            // glibc keeps signals 32 and 33 to itself: they stay as whoever started the tests left them.
            #expect(set.map { $0 & ~0x1_8000_0000 } == 0, "\(line)")
        }
    }

    @Test func bothStreamsAreCapturedWhateverTheirBytes() throws {
        let output = try run(sh(#"printf '\377\376a' >&2; printf 'b\000c'"#)).output
        #expect(output == [0xFF, 0xFE, 0x61, 0x62, 0, 0x63])
    }

    @Test(arguments: [
        ("/no/such/thing", "/", ChildProcess.Failure(stage: .exec, code: ENOENT)),
        ("/etc/passwd", "/", ChildProcess.Failure(stage: .exec, code: EACCES)),
        ("/bin/sh", "/no/such/folder", ChildProcess.Failure(stage: .directory, code: ENOENT)),
    ])
    func tellsWhyAChildCannotStart(path: String, directory: String, expected: ChildProcess.Failure) {
        let failure = #expect(throws: ChildProcess.Failure.self) {
            _ = try ChildProcess.start(path: path, arguments: [path], environment: [:], directory: directory)
        }
        #expect(failure == expected)
    }

    @Test func noGrandchildSurvivesItsParent() throws {
        let scratch = try Scratch()
        let exit = try run(
            sh("(trap '' TERM HUP; echo $BASHPID; exec sleep 300) >/dev/null & echo $! > \(scratch.path)/g"))
        #expect(exit.exit.kind == .code(0))
        let grandchild = try #require(scratch.number(in: "g"))
        #expect(wait { hasEnded(grandchild) ? true : nil } == true)
    }

    @Test func theGroupIsKilledWhole() throws {
        let scratch = try Scratch()
        let result = try run(sh("sleep 300 & echo $! > \(scratch.path)/g; wait")) { child in
            _ = scratch.number(in: "g")
            child.signalGroup(SIGKILL)
        }
        #expect(result.exit.kind == .signal(SIGKILL))
        let grandchild = try #require(scratch.number(in: "g"))
        #expect(wait { hasEnded(grandchild) ? true : nil } == true)
    }

    @Test func theKernelEndsAChildWithItsThread() throws {
        let scratch = try Scratch()
        let child = Mailbox()
        let thread = Thread {
            // The thread ends at once and takes the child with it.
            if let process = try? ChildProcess.start(
                path: "/bin/sleep", arguments: ["sleep", "300"], environment: [:], directory: scratch.path)
            {
                child.put(process.id)
            }
        }
        thread.start()
        let id = try #require(wait { child.value })
        #expect(wait { hasEnded(id) ? true : nil } == true)
        var status: Int32 = 0
        waitpid(id, &status, 0)
        #expect(status & 0x7F == SIGKILL)
    }

    @Test func peakMemoryIsTheChilds() throws {
        let script = "x = bytearray(300 << 20); x[::4096] = b'1' * len(x[::4096])"
        let python = try #require(Interpreter.find("python3", environment: ProcessInfo.processInfo.environment))
        let exit = try run([python, "-c", script], environment: ProcessInfo.processInfo.environment).exit
        #expect(exit.kind == .code(0))
        #expect((exit.peakMemory ?? 0) > 290 << 20)
    }
}

/// A number one thread hands to another.
final class Mailbox: @unchecked Sendable {
    // SAFETY: `stored` is only touched under `lock`.
    private let lock = NSLock()
    private var stored: Int32?
    var value: Int32? { lock.withLock { stored } }
    func put(_ value: Int32) { lock.withLock { stored = value } }
}

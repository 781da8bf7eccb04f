// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// How a run ends: Ctrl-C, Ctrl-C twice, SIGKILL, by itself; and that no process outlives it.
@Suite struct EndingTests {
    /// Ignores every polite signal; a grandchild of its own session does, too.
    private static let stubborn = """
        import os, signal, sys, time
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

        def mark():
            with open("marks", "a") as file:
                file.write(f"{os.getpid()}\\n")

        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                mark()
                time.sleep(300)
            os._exit(0)
        os.wait()
        if os.fork() == 0:
            mark()
            time.sleep(300)
        mark()
        while len(open("marks").read().split()) < 6:
            time.sleep(0.01)
        if sys.argv[1] == "ends":
            os.execlp("sweepd", "sweepd", "report", "loss=1")
        time.sleep(300)
        """

    private func folder(_ mode: String) throws -> SweepFolder {
        let folder = try SweepFolder(SweepFolder.yaml(trials: 2, command: "[python3, stubborn.py, \(mode)]"))
        try folder.write(Self.stubborn, to: "stubborn.py")
        return folder
    }

    private func marks(_ folder: SweepFolder) -> [Int32] {
        folder.text("marks").split(separator: "\n").compactMap { Int32($0) }
    }

    @Test func theSecondCtrlCEndsWithinTheGraceTime() throws {
        let folder = try folder("stays")
        let process = try folder.start("run", "sweep.yaml", "-w", "2")
        try #require(wait { marks(folder).count == 6 }, "\(folder.text("out"))")
        process.signal(SIGINT)
        #expect(wait { folder.text("out").contains("finishing 2 running trials, starting no new ones") })
        Thread.sleep(forTimeInterval: 0.3)
        #expect(process.isRunning)
        let start = Date()
        process.signal(SIGINT)
        #expect(process.end() == 130)
        // The grace time is 1 s.
        #expect(Date().timeIntervalSince(start) < 6)
        #expect(folder.text("out").contains(" resume s "))
        #expect(wait(seconds: 3) { !marks(folder).contains(where: isAlive) }, "\(folder.text("out"))")
        #expect(try folder.states() == ["queued", "queued"])
        try folder.expectSound()
    }

    @Test func afterSIGKILLNoGrandchildIsLeft() throws {
        let folder = try folder("stays")
        let process = try folder.start("run", "sweep.yaml", "-w", "2")
        try #require(wait { marks(folder).count == 6 }, "\(folder.text("out"))")
        process.signal(SIGKILL)
        #expect(process.end() == nil)
        #expect(wait(seconds: 3) { !marks(folder).contains(where: isAlive) })
        try folder.expectSound()
    }

    @Test func afterANormalEndNoGrandchildIsLeft() throws {
        let folder = try folder("ends")
        let result = try folder.run("run", "sweep.yaml", "-w", "2")
        #expect(result.status == 0, "\(result.output)")
        #expect(marks(folder).count == 6)
        #expect(wait(seconds: 3) { !marks(folder).contains(where: isAlive) })
    }

    @Test func theFirstCtrlCLetsRunningTrialsFinish() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 20), script: "echo a >> begun\nsleep 0.5\nsweepd report loss=1")
        let process = try folder.start("run", "sweep.yaml", "-w", "2")
        try #require(wait { folder.text("begun").utf8.count >= 4 })
        process.signal(SIGINT)
        #expect(process.end() == 130, "\(folder.text("out"))")
        #expect(folder.text("out").contains("s: interrupted, "))
        #expect(folder.text("out").contains(" resume s "))
        let begun = folder.text("begun").split(separator: "\n").count
        let states = try folder.states()
        #expect(states.filter { $0 == "completed" }.count == begun)
        #expect(begun < 20)
        try folder.write("sweepd report loss=1", to: "train.sh")
        let resumed = try folder.run("resume")
        #expect(resumed.status == 0, "\(resumed.output)\(resumed.error)")
        #expect(try folder.states() == [String](repeating: "completed", count: 20))
        try folder.expectSound()
    }

    @Test func SIGTERMEndsLikeCtrlC() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 20), script: "echo a >> begun\nsleep 0.3\nsweepd report loss=1")
        let process = try folder.start("run", "sweep.yaml", "-w", "1")
        try #require(wait { folder.text("begun").utf8.count >= 2 })
        process.signal(SIGTERM)
        #expect(process.end() == 130, "\(folder.text("out"))")
        try folder.expectSound()
    }
}

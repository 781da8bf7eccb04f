// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// The daemon as systemd sees it.
@Suite(.serialized) struct ServiceTests {
    /// `@` before a name means an abstract socket, whose address begins with a NUL.
    @Test(arguments: ["", "@"]) func systemdIsToldWhenTheDaemonIsReadyAndWhenItEnds(kind: String) throws {
        let folder = try SweepFolder(SweepFolder.yaml(), script: "sweepd report loss=1")
        let name = kind + folder.path + "/notify"
        let listener = try #require(NotifyListener(name))
        let environment = ["NOTIFY_SOCKET": name, "SWEEPD_DATA": folder.data]
        let daemon = try folder.start("serve", "--workers", "1", environment: environment)
        let ready = listener.next(within: 30)
        #expect(ready?.split(separator: "\n").first == "READY=1", "\(ready ?? "nothing"): \(folder.text("out"))")
        // Ready means ready: a command finds it.
        let launched = try folder.run("launch", "sweep.yaml", environment: environment)
        #expect(launched.status == 0, "\(launched.error)")
        daemon.signal(SIGTERM)
        #expect(listener.next(within: 30) == "STOPPING=1")
        #expect(daemon.end() == 0)
        #expect(listener.next(within: 0) == nil)
    }

    /// What Docs/operating.md shows for pasting.
    @Test(.enabled(if: Units.canBeVerified, "systemd's tools are not installed")) func theUnitsOfTheDocsAreSound()
        throws
    {
        let units = Units.ofDocs
        #expect(units.count == 2)
        for unit in units {
            for expected in [
                "Type=notify", "Restart=on-failure", "Delegate=yes", "MemoryMax=", "TimeoutStartSec=infinity",
            ] {
                #expect(unit.contains(expected + "\n") || unit.contains(expected), "\(unit)")
            }
            let folder = try TemporaryFolder()
            // The program is where it is, and the user of the example is none of this machine's.
            let text = unit.replacing(/ExecStart=\S+/, with: "ExecStart=\(Program.path)")
                .replacing(/User=\S+/, with: "User=daemon").replacing(/Group=\S+/, with: "Group=daemon")
            let file = try folder.write(text, to: "sweepd.service")
            let isUserUnit = unit.contains("WantedBy=default.target")
            let (status, output) = try Units.verify(file, isUserUnit: isUserUnit)
            #expect(status == 0 && !output.contains("sweepd.service:"), "\(output)\n\(text)")
        }
    }
}

/// The other end of sd_notify(3).
private final class NotifyListener {
    private let descriptor: Int32

    init?(_ name: String) {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        guard descriptor >= 0, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 }
        }
        guard isBound else { return nil }
    }

    deinit { close(descriptor) }

    func next(within seconds: Double) -> String? {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, Int32(seconds * 1000)) == 1 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}

private enum Units {
    private static let tool = ["/usr/bin/systemd-analyze", "/bin/systemd-analyze"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    static var canBeVerified: Bool { tool != nil }

    /// The blocks of code that begin as units do.
    static var ofDocs: [String] {
        let path = Program.root + "/Docs/operating.md"
        let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        return text.components(separatedBy: "```").filter { $0.hasPrefix("ini\n[Unit]") }.map {
            String($0.dropFirst(4))
        }
    }

    static func verify(_ file: String, isUserUnit: Bool) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tool ?? "")
        process.arguments = ["verify", "--man=no", isUserUnit ? "--user" : "--system", file]
        // A user's units need a place for the user's sockets.
        process.environment = ProcessInfo.processInfo.environment.merging(["XDG_RUNTIME_DIR": NSTemporaryDirectory()]) {
            $1
        }
        let pipe = Pipe()
        (process.standardOutput, process.standardError) = (pipe, pipe)
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }
}

// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import Testing

@testable import WorkerAgent

@Suite struct DirectoryDigestTests {
    static let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// What the Python client says of a folder.
    private func python(_ folder: String) throws -> (hex: String, bytes: Int64) {
        let sources = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Workers/Python/src").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", "import sys, sweepd; print(*sweepd.digest(sys.argv[1]))", folder]
        process.environment = ProcessInfo.processInfo.environment.merging(["PYTHONPATH": sources]) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let words = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            .split(whereSeparator: \.isWhitespace)
        process.waitUntilExit()
        try #require(words.count == 2)
        return (String(words[0]), try #require(Int64(words[1])))
    }

    @Test func theVectorOfTheDocumentation() throws {
        #expect(try DirectoryDigest(of: scratch.path).hex == Self.empty)
        try scratch.write("hello\n", to: "b")
        try Files.makeDirectory("\(scratch.path)/a")
        try scratch.write("", to: "a/z")
        try scratch.write("\u{0}\u{1}", to: "a.txt")
        try Files.makeDirectory("\(scratch.path)/folder without files")
        let digest = try DirectoryDigest(of: scratch.path)
        #expect(digest.hex == "6992f2f88f373000e1d1e9b001976f4984896420613a8806649c51dc2cd84240")
        #expect(digest.bytes == 8)
    }

    @Test(arguments: 0..<6) func pythonSaysTheSame(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        var folders = [scratch.path]
        for number in 0..<40 {
            let parent = folders[Int(random.next() % UInt64(folders.count))]
            // Names that sort differently by characters, by folders and by bytes.
            let name = ["a", "a.b", "a b", "ä", "Z", "é", "e\u{301}", "\u{1F600}", "~", "0"][Int(random.next() % 10)]
            let path = "\(parent)/\(name)\(number % 7)"
            if Files.exists(path) { continue }
            if random.next() % 4 == 0 {
                try Files.makeDirectory(path)
                folders.append(path)
            } else {
                let sizes = [0, 1, 17, 1 << 16, 1 << 20, 1 << 20 + 1, 3 << 20 + 17]
                let size = sizes[Int(random.next() % UInt64(number % 8 == 0 ? 7 : 3))]
                let content = Data(repeating: UInt8(truncatingIfNeeded: random.next()), count: size)
                try content.write(to: URL(fileURLWithPath: path))
            }
        }
        let digest = try DirectoryDigest(of: scratch.path)
        let expected = try python(scratch.path)
        #expect(digest.hex == expected.hex, "seed \(seed)")
        #expect(digest.bytes == expected.bytes)
    }

    @Test func namesNeedNotBeText() throws {
        let name: [CChar] = "\(scratch.path)/".utf8.map { CChar(bitPattern: $0) } + [-1, 0]
        let file = open(name, O_WRONLY | O_CREAT, 0o600)
        try #require(file >= 0)
        close(file)
        defer { unlink(name) }
        #expect(try DirectoryDigest(of: scratch.path).hex == python(scratch.path).hex)
    }

    enum Intruder: CaseIterable { case link, linkToFolder, dangling, pipe, socket }

    @Test(arguments: Intruder.allCases) func whatIsNoFileIsRefused(intruder: Intruder) throws {
        try Files.makeDirectory("\(scratch.path)/model")
        try scratch.write("x", to: "model/w")
        let path = "\(scratch.path)/model/x"
        switch intruder {
        case .link: symlink("w", path)
        case .linkToFolder: symlink("/etc", path)
        case .dangling: symlink("nowhere", path)
        case .pipe: mkfifo(path, 0o600)
        case .socket: mknod(path, S_IFSOCK | 0o600, 0)
        }
        #expect(throws: DirectoryDigest.Failure.notPlain(path: path)) { try DirectoryDigest(of: scratch.path) }
    }

    @Test func theFolderItselfIsNoLink() throws {
        try Files.makeDirectory("\(scratch.path)/real")
        symlink("real", "\(scratch.path)/link")
        #expect(throws: DirectoryDigest.Failure.self) { try DirectoryDigest(of: "\(scratch.path)/link") }
        #expect(try DirectoryDigest(of: "\(scratch.path)/real").hex == Self.empty)
    }

    @Test func whatIsNotThereIsNamed() {
        #expect(throws: DirectoryDigest.Failure.system(path: "\(scratch.path)/no", code: ENOENT)) {
            try DirectoryDigest(of: "\(scratch.path)/no")
        }
    }

    @Test func depthIsBounded() throws {
        var path = scratch.path
        for _ in 0..<DirectoryDigest.maximumDepth {
            path += "/d"
            try Files.makeDirectory(path)
        }
        try Data("x".utf8).write(to: URL(fileURLWithPath: path + "/f"))
        #expect(try DirectoryDigest(of: scratch.path).bytes == 1)
        try Files.makeDirectory(path + "/d")
        #expect(throws: DirectoryDigest.Failure.tooDeep(path: path + "/d")) { try DirectoryDigest(of: scratch.path) }
    }

    @Test func aFileThatGrowsOrShrinksMeanwhileIsNoticed() throws {
        for size in [off_t(1), 2 << 20, 4 << 20] {
            try scratch.write(String(repeating: "x", count: 3 << 20), to: "w")
            var asked = 0
            #expect(throws: DirectoryDigest.Failure.changed(path: "\(scratch.path)/w")) {
                try DirectoryDigest(of: scratch.path) {
                    asked += 1
                    // When the first MiB has been read.
                    if asked == 4 { truncate("\(scratch.path)/w", size) }
                    return false
                }
            }
        }
    }

    @Test func aLinkThatTakesAFilesPlaceIsNotFollowed() throws {
        try scratch.write("x", to: "w")
        var asked = 0
        #expect(throws: DirectoryDigest.Failure.notPlain(path: "\(scratch.path)/w")) {
            try DirectoryDigest(of: scratch.path) {
                asked += 1
                // It has been seen as a file, and is about to be opened.
                if asked == 2 {
                    unlink("\(scratch.path)/w")
                    symlink("/etc/passwd", "\(scratch.path)/w")
                }
                return false
            }
        }
    }

    @Test func aLinkThatTakesAFoldersPlaceIsNotFollowed() throws {
        try Files.makeDirectory("\(scratch.path)/d")
        try scratch.write("x", to: "d/passwd")
        var asked = 0
        #expect(throws: DirectoryDigest.Failure.self) {
            try DirectoryDigest(of: scratch.path) {
                asked += 1
                // "d" and "d/passwd" have been seen; the second is about to be opened.
                if asked == 3 {
                    rename("\(scratch.path)/d", "\(scratch.path)-aside")
                    symlink("/etc", "\(scratch.path)/d")
                }
                return false
            }
        }
        #expect(asked == 3)
        try FileManager.default.removeItem(atPath: "\(scratch.path)-aside")
    }

    @Test func noDescriptorIsLeftOpen() throws {
        func opened() -> Int { Files.entries(of: "/proc/self/fd").filter { isBelow($0) }.count }
        func isBelow(_ name: String) -> Bool {
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
            return target?.contains((scratch.path as NSString).lastPathComponent) == true
        }
        try Files.makeDirectory("\(scratch.path)/a/b")
        try scratch.write("x", to: "a/b/w")
        _ = try DirectoryDigest(of: scratch.path)
        symlink("b", "\(scratch.path)/a/link")
        #expect(throws: DirectoryDigest.Failure.self) { try DirectoryDigest(of: scratch.path) }
        #expect(opened() == 0)
    }

    @Test func itCanBeGivenUp() throws {
        try scratch.write("", to: "w")
        truncate("\(scratch.path)/w", 1 << 40)
        var asked = 0
        #expect(throws: DirectoryDigest.Failure.cancelled) {
            try DirectoryDigest(of: scratch.path) {
                asked += 1
                return asked > 20
            }
        }
        #expect(asked == 21)
    }
}

/// SplitMix64.
struct SeededGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

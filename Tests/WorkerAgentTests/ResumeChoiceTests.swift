// SPDX-License-Identifier: MIT

import Foundation
import Testing
import WorkerProtocol

@testable import WorkerAgent

@Suite struct ResumeChoiceTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// A checkpoint of one file, with its digest.
    private func saved(_ step: Int64, isDigested: Bool = true) throws -> Checkpoint {
        let path = "\(scratch.path)/step-\(step)"
        try Files.makeDirectory(path)
        try scratch.write("weights \(step)", to: "step-\(step)/w")
        let digest = try DirectoryDigest(of: path)
        return Checkpoint(step: step, location: path, digest: isDigested ? digest.hex : "", bytes: digest.bytes)
    }

    private func moved(_ checkpoint: Checkpoint, to location: String) -> Checkpoint {
        Checkpoint(step: checkpoint.step, location: location, digest: checkpoint.digest, bytes: checkpoint.bytes)
    }

    @Test func theNewestThatIsWhole() throws {
        let (new, old) = (try saved(15), try saved(10))
        #expect(try ResumeChoice(among: [new, old]).checkpoint == new)
        #expect(try ResumeChoice(among: [new, old]).warnings == [])
        #expect(try ResumeChoice(among: []) == ResumeChoice(among: []))
        #expect(try ResumeChoice(among: []).checkpoint == nil)
        let upper = Checkpoint(step: 15, location: new.location, digest: new.digest.uppercased(), bytes: 0)
        #expect(try ResumeChoice(among: [upper]).checkpoint == upper)
    }

    @Test func aDamagedOneIsPassedOver() throws {
        let (new, old) = (try saved(15), try saved(10))
        try scratch.write("weights 1\u{0}", to: "step-15/w")
        let choice = try ResumeChoice(among: [new, old])
        #expect(choice.checkpoint == old)
        #expect(
            choice.warnings == [
                "the checkpoint of step 15 at \(new.location) is damaged (its digest differs); "
                    + "going on from the one of step 10"
            ])
    }

    @Test func aFileTooManyOrTooFewIsDamage() throws {
        let checkpoint = try saved(15)
        try scratch.write("", to: "step-15/extra")
        #expect(try ResumeChoice(among: [checkpoint]).checkpoint == nil)
        unlink("\(checkpoint.location)/extra")
        #expect(try ResumeChoice(among: [checkpoint]).checkpoint == checkpoint)
        unlink("\(checkpoint.location)/w")
        #expect(try ResumeChoice(among: [checkpoint]).checkpoint == nil)
    }

    @Test func withoutADigestTheFolderHasToBeThere() throws {
        let checkpoint = try saved(15, isDigested: false)
        try scratch.write("something else", to: "step-15/w")
        symlink("w", "\(checkpoint.location)/latest")
        #expect(try ResumeChoice(among: [checkpoint]).checkpoint == checkpoint)
        try FileManager.default.removeItem(atPath: checkpoint.location)
        let choice = try ResumeChoice(among: [checkpoint])
        #expect(choice.checkpoint == nil)
        #expect(
            choice.warnings == [
                "the checkpoint of step 15 at \(checkpoint.location) is missing; the trial starts from the beginning"
            ])
    }

    @Test func linksAreNotFollowed() throws {
        let (new, old) = (try saved(15), try saved(10))
        symlink(new.location, "\(scratch.path)/latest")
        for location in ["\(scratch.path)/latest", "\(scratch.path)/latest//"] {
            let choice = try ResumeChoice(among: [moved(new, to: location), old])
            #expect(choice.checkpoint == old)
            #expect(choice.warnings.first?.contains("/latest is a link, and no folder; going on") == true)
        }
        try Files.makeDirectory("\(new.location)/m")
        symlink("/etc/passwd", "\(new.location)/m/p")
        #expect(
            try ResumeChoice(among: [new]).warnings.first?.contains(
                "is damaged ('m/p': neither a file nor a folder)") == true)
        let file = moved(new, to: "\(old.location)/w")
        #expect(try ResumeChoice(among: [file]).warnings.first?.contains("is a file, and no folder") == true)
    }

    @Test func anotherMachinesPathsAreToldOnce() throws {
        let elsewhere = ["/no/such/place/15", "/no/such/place/10"].enumerated().map {
            Checkpoint(step: Int64(15 - 5 * $0.offset), location: $0.element, digest: "", bytes: 0)
        }
        let last = try saved(5)
        let choice = try ResumeChoice(among: elsewhere + [last])
        #expect(choice.checkpoint == last)
        #expect(
            choice.warnings == [
                "the checkpoint of step 15 lies at /no/such/place/15, which this machine can't reach: put checkpoints "
                    + "on a path that all workers share (checkpoints: {path: …} in the sweep file); "
                    + "going on from the one of step 5",
                "the checkpoint of step 10 lies at /no/such/place/10, which this machine can't reach either; "
                    + "going on from the one of step 5",
            ])
        let none = try ResumeChoice(among: elsewhere)
        #expect(none.checkpoint == nil)
        #expect(none.warnings.allSatisfy { $0.hasSuffix("; the trial starts from the beginning") })
    }

    @Test func aFileUriIsAPath() throws {
        try Files.makeDirectory("\(scratch.path)/a b")
        try scratch.write("x", to: "a b/w")
        let path = "\(scratch.path)/a b"
        let digest = try DirectoryDigest(of: path).hex
        for prefix in ["file://", "file://localhost", "FILE:"] {
            let location = prefix + path.replacing(" ", with: "%20")
            let checkpoint = Checkpoint(step: 3, location: location, digest: digest, bytes: 1)
            #expect(try ResumeChoice(among: [checkpoint]).checkpoint == moved(checkpoint, to: path))
        }
        let passwd = Checkpoint(step: 3, location: "file:///etc/passwd", digest: "", bytes: 0)
        #expect(try ResumeChoice(among: [passwd]).checkpoint == nil)
    }

    @Test func storageOfTheUsersOwnIsNotLookedAt() throws {
        let uri = Checkpoint(
            step: 15, location: "s3://bucket//run/15", digest: String(repeating: "0", count: 64), bytes: 0)
        #expect(try ResumeChoice(among: [uri, try saved(10)]).checkpoint == uri)
        let damaged = moved(try saved(20), to: "\(scratch.path)/gone")
        #expect(try ResumeChoice(among: [damaged, uri]).checkpoint == uri)
    }

    @Test func aWarningFitsIntoItsEvent() throws {
        let name = String(repeating: "ä", count: 120)
        let location = "/" + [String](repeating: name, count: 16).joined(separator: "/")
        let choice = try ResumeChoice(among: [Checkpoint(step: .max, location: location, digest: "", bytes: 0)])
        let warning = try #require(choice.warnings.first)
        #expect(warning.unicodeScalars.count <= ProtocolLimits.warningCharacters)
        #expect(warning.hasSuffix("starts from the beginning"))
        #expect(warning.contains("File name too long") == false)
    }

    @Test func itCanBeGivenUp() throws {
        let checkpoint = try saved(15)
        #expect(throws: ResumeChoice.Cancelled.self) { try ResumeChoice(among: [checkpoint]) { true } }
    }
}

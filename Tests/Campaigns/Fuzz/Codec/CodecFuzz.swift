// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import Keys
import SweepEngine
import SweepModel
import WorkerProtocol

/// Damaged texts of every kind that sweepd reads from others: nothing crashes, nothing hangs, memory stays, and what is
/// accepted survives another round.
///
///     codec-fuzz SEED INPUTS [ROOT]
@main struct CodecFuzz {
    struct Failure: Error { let text: String }

    private let corpus: Corpus
    private var random: Mutator
    private let scratch: String
    private var accepted: [String: Int] = [:]
    private var tried: [String: Int] = [:]
    private var slowest = (time: Duration.zero, text: "")

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3, let seed = UInt64(arguments[1]), let inputs = Int(arguments[2])
        else {
            FileHandle.standardError.write(Data("usage: codec-fuzz SEED INPUTS [ROOT]\n".utf8))
            exit(2)
        }
        var fuzz = try CodecFuzz(seed: seed, root: arguments.count > 3 ? arguments[3] : ".")
        try fuzz.run(inputs, seed: seed)
    }

    init(seed: UInt64, root: String) throws {
        corpus = try Corpus(root: root)
        random = Mutator(seed: seed)
        scratch = "\(NSTemporaryDirectory())/codec-fuzz-\(getpid())"
        try FileManager.default.createDirectory(
            atPath: scratch, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    private mutating func run(_ inputs: Int, seed: UInt64) throws {
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let start = ContinuousClock.now
        var before = 0
        for input in 0..<inputs {
            if input == inputs / 10 { before = Self.residentKilobytes() }
            // Whatever takes so long hangs: the signal ends us, and the seed is known.
            if input % 256 == 0 { alarm(30) }
            do { try one() } catch let failure as Failure {
                print("seed \(seed), input \(input): \(failure.text)")
                exit(1)
            }
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let growth = Self.residentKilobytes() - before
        let kinds = tried.keys.sorted().map { "\($0) \(accepted[$0] ?? 0)/\(tried[$0] ?? 0)" }
        print("accepted: " + kinds.joined(separator: ", "))
        print("slowest: \(slowest.time) \(slowest.text)")
        print(
            "result: codec_inputs=\(inputs) codec_rate=\(Int(Double(inputs) / seconds)) codec_growth_kib=\(growth)"
        )
        if growth > 32 << 10 { throw Failure(text: "memory grows") }
    }

    private static func residentKilobytes() -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line?.split(separator: " ").compactMap { Int($0) }.first ?? 0
    }

    private mutating func one() throws {
        switch random.below(100) {
        case 0..<40: try check("worker", corpus.worker, Self.worker)
        case 40..<62: try check("coordinator", corpus.coordinator, Self.coordinator)
        case 62..<77: try check("journal", Corpus.journal, Self.journal)
        case 77..<84: try check("operator", Corpus.operators, Self.request)
        case 84..<89: try check("enrolment", Corpus.enrolments) { try Enrolment.Request(bytes: $0) }
        case 89..<94: try check("token", corpus.tokens, Self.token)
        case 94..<96:
            let path = "\(scratch)/worker.json"
            try check("connection", corpus.connections) { try Self.connection($0, path) }
        case 96..<98:
            try check("tasks", Corpus.taskFiles) { try TaskFile.parse(Self.text($0), file: "tasks.yaml") }
        default:
            try check("sweep", corpus.sweepFiles) {
                try SweepFile.parse(Self.text($0), file: "sweep.yaml", overrides: SweepFile.Overrides())
            }
        }
    }

    private mutating func check<Read>(
        _ kind: String, _ texts: [[UInt8]], _ read: ([UInt8]) throws -> Read
    ) throws {
        let original = texts[random.below(texts.count)]
        // The base64 of a token hides its members from the mutator.
        let bytes =
            kind == "token" && random.below(2) == 0
            ? Self.wrapped(random.mutated(Self.unwrapped(original), corpus: texts.map(Self.unwrapped)))
            : random.mutated(original, corpus: texts)
        tried[kind, default: 0] += 1
        let start = ContinuousClock.now
        do {
            _ = try read(bytes)
            accepted[kind, default: 0] += 1
        } catch let failure as Failure {
            throw Failure(text: "\(kind): \(failure.text): \(String(decoding: bytes, as: UTF8.self))")
        } catch {
            // Refused, with words that can be made.
            _ = "\(error)".utf8.count
        }
        let time = ContinuousClock.now - start
        if time > slowest.time { slowest = (time, "\(kind) of \(bytes.count) bytes") }
    }

    private static func frames(_ body: [UInt8]) -> [[UInt8]] {
        [Array(ProtocolLimits.magic.utf8), body]
    }

    private static func worker(_ bytes: [UInt8]) throws {
        let envelope = try MessageCodec.decodeWorkerMessage(frames(bytes))
        let encoded = MessageCodec.encode(envelope)
        guard let again = try? MessageCodec.decodeWorkerMessage(encoded),
            MessageCodec.encode(again) == encoded
        else {
            throw Failure(text: "accepted, and encoded it is another")
        }
    }

    private static func coordinator(_ bytes: [UInt8]) throws {
        let envelope = try MessageCodec.decodeCoordinatorMessage(frames(bytes))
        let encoded = MessageCodec.encode(envelope)
        guard let again = try? MessageCodec.decodeCoordinatorMessage(encoded),
            MessageCodec.encode(again) == encoded
        else { throw Failure(text: "accepted, and encoded it is another") }
    }

    private static func journal(_ bytes: [UInt8]) throws {
        let entry = try bytes.withUnsafeBufferPointer { try EventCodec.decode($0) }
        var encoded: [UInt8] = []
        EventCodec.append(entry, to: &encoded)
        var second: [UInt8] = []
        guard let again = try? encoded.withUnsafeBufferPointer({ try EventCodec.decode($0) }) else {
            throw Failure(text: "accepted, and encoded it is refused")
        }
        EventCodec.append(again, to: &second)
        if second != encoded { throw Failure(text: "accepted, and encoded it is another") }
    }

    private static func request(_ bytes: [UInt8]) throws {
        let request = try OperatorRequest(json: try JSONValue.parse(bytes))
        let encoded = request.json.text
        guard let again = try? OperatorRequest(json: try JSONValue.parse(encoded)),
            again.json.text == encoded
        else {
            throw Failure(text: "accepted, and encoded it is another")
        }
    }

    /// What is said of a token never repeats it.
    private static func token(_ bytes: [UInt8]) throws {
        let text = text(bytes)
        do {
            _ = try JoinToken(text)
        } catch {
            let said = "\(error)"
            if text.utf8.count > 20, said.contains(text.dropFirst(8).prefix(12)) {
                throw Failure(text: "the refusal repeats the token")
            }
            throw error
        }
    }

    private static func connection(_ bytes: [UInt8], _ path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0, write(descriptor, bytes, bytes.count) == bytes.count else {
            throw Failure(text: "cannot write \(path)")
        }
        close(descriptor)
        _ = try ConnectionFile(reading: path, as: .worker)
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private static func unwrapped(_ token: [UInt8]) -> [UInt8] {
        var base64 = text(Array(token.dropFirst(8))).replacing("-", with: "+").replacing("_", with: "/")
        base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        return Data(base64Encoded: base64).map { [UInt8]($0) } ?? token
    }

    private static func wrapped(_ json: [UInt8]) -> [UInt8] {
        let base64 = Data(json).base64EncodedString()
        return Array(
            (JoinToken.prefix + base64.replacing("+", with: "-").replacing("/", with: "_")).utf8)
    }
}

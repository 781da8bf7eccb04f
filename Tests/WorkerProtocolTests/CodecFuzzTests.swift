// SPDX-License-Identifier: MIT

import SweepModel
import Testing
import WorkerProtocol

/// Damaged messages: nothing crashes, and whatever is accepted survives another round.
@Suite struct CodecFuzzTests {
    #if DEBUG
    private static let inputs = 20_000
    #else
    private static let inputs = 200_000
    #endif

    @Test(arguments: [UInt64(1), 2]) func mutations(seed: UInt64) throws {
        var random = SplitMix(seed)
        var accepted = 0
        let worker = Samples.workerEnvelopes.map { MessageCodec.encode($0.1)[1] }
        let coordinator = Samples.coordinatorEnvelopes.map { MessageCodec.encode($0.1)[1] }
        for input in 0..<Self.inputs / 2 {
            let isWorkers = random.below(2) == 0
            let corpus = isWorkers ? worker : coordinator
            let text = mutated(corpus[random.below(corpus.count)], &random)
            let frames = [Array(ProtocolLimits.magic.utf8), text]
            if isWorkers, let envelope = try? MessageCodec.decodeWorkerMessage(frames) {
                let encoded = MessageCodec.encode(envelope)
                let again = try MessageCodec.decodeWorkerMessage(encoded)
                #expect(MessageCodec.encode(again) == encoded, "seed \(seed), input \(input)")
                if !hasNaN(envelope) { #expect(again == envelope, "seed \(seed), input \(input)") }
                accepted += 1
            } else if !isWorkers, let envelope = try? MessageCodec.decodeCoordinatorMessage(frames) {
                let again = try MessageCodec.decodeCoordinatorMessage(MessageCodec.encode(envelope))
                #expect(again == envelope, "seed \(seed), input \(input)")
                accepted += 1
            }
        }
        #expect(accepted > Self.inputs / 50, "the mutations are too wild to test what is accepted")
    }

    private func hasNaN(_ envelope: Envelope<WorkerMessage>) -> Bool {
        guard case .events(let events) = envelope.message else { return false }
        return events.contains { event in
            switch event.event {
            case .report(_, let metrics): metrics.contains { $0.value.isNaN }
            case .finished(_, let resources), .failed(_, let resources):
                resources.seconds?.isNaN == true || resources.secondsPerStep?.isNaN == true
            case .started, .checkpoint, .warning: false
            }
        }
    }

    private static let pieces: [[UInt8]] = [
        "null", "true", "-1", "0", "1e999", "9223372036854775807", "9223372036854775808", "0.5", "\"NaN\"", "NaN",
        "\"\"", "[]", "{}", "[[[[", "\"\\ud83d\"", "\"\\u0000\"", ",", ":", "\"t\":\"bye\",", "\u{FEFF}", "1.0", "-0",
        "\"9007199254740993\"", "\"Infinity\"",
    ].map { Array($0.utf8) }

    private func mutated(_ original: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var bytes = original
        for _ in 0...random.below(3) where !bytes.isEmpty {
            let place = random.below(bytes.count)
            switch random.below(7) {
            case 0: bytes[place] = UInt8(random.below(256))
            case 1: bytes[place] ^= 1 << UInt8(random.below(8))
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(contentsOf: Self.pieces[random.below(Self.pieces.count)], at: place)
            case 4:
                let end = min(bytes.count, place + random.below(20))
                bytes.insert(contentsOf: bytes[place..<end], at: random.below(bytes.count))
            case 5: bytes.removeSubrange(place..<min(bytes.count, place + random.below(30)))
            default: replaceValue(in: &bytes, from: place, &random)
            }
        }
        return bytes
    }

    /// Puts something else after the next colon, which keeps most messages well-formed.
    private func replaceValue(in bytes: inout [UInt8], from place: Int, _ random: inout SplitMix) {
        guard let colon = bytes[place...].firstIndex(of: UInt8(ascii: ":")),
            let end = bytes[colon...].firstIndex(where: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") })
        else { return }
        bytes.replaceSubrange(colon + 1..<end, with: Self.pieces[random.below(Self.pieces.count)])
    }
}

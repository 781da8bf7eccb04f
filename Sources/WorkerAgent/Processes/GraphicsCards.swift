// SPDX-License-Identifier: MIT

import Foundation

/// The cards divided among slots: each slot its own, never shared.
package struct GraphicsCards: Hashable, Sendable {
    /// In the form `CUDA_VISIBLE_DEVICES` takes.
    package let cards: [String]
    package let perSlot: Int

    /// - Parameter perSlot: 1 is no demand: a machine without cards has slots without cards.
    /// - Throws: `GPUSelection.Failure` when there are not enough cards for one slot.
    package init(cards: [String], perSlot: Int = 1) throws(GPUSelection.Failure) {
        guard perSlot >= 1 else {
            throw GPUSelection.Failure(description: "\(perSlot) GPUs per slot: expected 1 or more")
        }
        guard cards.count >= perSlot || (cards.isEmpty && perSlot == 1) else {
            let there =
                switch cards.count {
                case 0: "there is none"
                case 1: "there is only one (\(cards[0]))"
                default: "there are only \(cards.count) (\(cards.joined(separator: ", ")))"
                }
            throw GPUSelection.Failure(description: "a slot takes \(perSlot) GPUs, and \(there)")
        }
        self.cards = cards
        self.perSlot = perSlot
    }

    /// As many as the cards are enough for; nil without cards, which limit nothing then.
    package var slots: Int? { cards.isEmpty ? nil : cards.count / perSlot }

    /// Cards that are too few for a slot.
    package var unused: [String] { Array(cards.suffix(cards.count % perSlot)) }

    /// What a slot's trials get as `CUDA_VISIBLE_DEVICES`: neighbours, which are often linked; nil without cards.
    package func visible(to slot: Int) -> String? {
        guard let slots, (0..<slots).contains(slot) else { return nil }
        return cards[(slot * perSlot)..<((slot + 1) * perSlot)].joined(separator: ",")
    }
}

/// Which graphics cards a worker uses.
package enum GPUSelection: Hashable, Sendable {
    /// All there are.
    case automatic
    case none
    /// Indices, or UUIDs as `nvidia-smi -L` prints them.
    case cards([String])

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Reads `--gpus`.
    package init(_ text: String) throws(Failure) {
        switch text {
        case "auto": self = .automatic
        case "none", "": self = .none
        default:
            let cards = text.split(separator: ",", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard cards.allSatisfy(Self.isCard) else {
                throw Failure(description: "--gpus '\(text)': expected auto, none, or indices such as 0,1")
            }
            guard Set(cards).count == cards.count else {
                throw Failure(description: "--gpus '\(text)' names a card twice: two trials would share it")
            }
            self = .cards(cards)
        }
    }

    private static func isCard(_ text: String) -> Bool {
        Int(text).map { $0 >= 0 } ?? (text.hasPrefix("GPU-") || text.hasPrefix("MIG-"))
    }

    /// The cards, in the form `CUDA_VISIBLE_DEVICES` takes.
    package func resolved(environment: [String: String] = ProcessInfo.processInfo.environment) -> [String] {
        switch self {
        case .none: []
        case .cards(let cards): cards
        case .automatic: Self.present(environment: environment)
        }
    }

    private static func present(environment: [String: String]) -> [String] {
        // Someone (Slurm, a container) already says which of them are ours.
        if let visible = environment["CUDA_VISIBLE_DEVICES"] {
            // Read as CUDA reads it: up to the first word that is no card (-1, Slurm's NoDevFiles).
            let words = visible.split(separator: ",", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            let cards = Array(words.prefix(while: isCard))
            // CUDA sees none where one is named twice.
            return Set(cards).count == cards.count ? cards : []
        }
        let listed = Files.entries(of: "/proc/driver/nvidia/gpus").count
        if listed > 0 { return (0..<listed).map(String.init) }
        guard let tool = Interpreter.find("nvidia-smi", environment: environment) else { return [] }
        return (0..<count(listedBy: tool)).map(String.init)
    }

    private static func count(listedBy tool: String) -> Int {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = ["-L"]
        process.standardError = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        do { try process.run() } catch { return 0 }
        // A driver in trouble makes nvidia-smi hang.
        let watchdog = DispatchWorkItem { process.terminate() }
        DispatchQueue.global().asyncAfter(deadline: .now() + 10, execute: watchdog)
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        watchdog.cancel()
        return text.split(separator: "\n").count { $0.hasPrefix("GPU ") }
    }
}

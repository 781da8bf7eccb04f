// SPDX-License-Identifier: MIT

import SweepModel

/// A verdict: `,"rule":"asha","action":"stop","step":3,"value":0.5,"threshold":0.4,"peers":8,…`.
extension EventCodec {
    static func append(_ verdict: Verdict, _ enforcement: Enforcement, _ bytes: inout [UInt8]) {
        member(",\"enforcement\":", enforcement.rawValue, &bytes)
        append(verdict, &bytes)
    }

    private static func append(_ verdict: Verdict, _ bytes: inout [UInt8]) {
        member(",\"rule\":", verdict.rule.rawValue, &bytes)
        member(",\"action\":", verdict.action.rawValue, &bytes)
        appendJSONWord(",\"step\":", to: &bytes)
        appendJSONInteger(verdict.step, to: &bytes)
        appendJSONWord(",\"value\":", to: &bytes)
        appendJSONNumber(verdict.value, to: &bytes)
        member(",\"threshold\":", verdict.threshold, &bytes)
        member(",\"peers\":", verdict.peers, &bytes)
        member(",\"better\":", verdict.better, &bytes)
        appendJSONWord(",\"named\":", to: &bytes)
        JSONValue.array(verdict.named.map { .integer(Int64($0)) }).append(to: &bytes)
        member(",\"rung\":", verdict.rung, &bytes)
        member(",\"bracket\":", verdict.bracket.map(Int64.init), &bytes)
        member(",\"probability\":", verdict.probability, &bytes)
    }

    /// The members of a verdict as they stand in the journal, as an object.
    package static func text(of judgement: Judgement) -> String {
        var bytes: [UInt8] = []
        append(judgement.verdict, judgement.enforcement, &bytes)
        return "{" + String(decoding: bytes.dropFirst(), as: UTF8.self) + "}"
    }

    static func verdict(_ cursor: inout EventCodecCursor) throws(EventCodecError) -> (Verdict, Enforcement) {
        let enforcement: Enforcement = try cursor.word(",\"enforcement\":")
        let rule: Verdict.Rule = try cursor.word(",\"rule\":")
        let action: Verdict.Action = try cursor.word(",\"action\":")
        let step = try cursor.integer(",\"step\":")
        try cursor.expect(",\"value\":")
        let value = try cursor.double()
        let threshold = try cursor.optionalDouble(",\"threshold\":")
        let (peers, better) = (try cursor.int(",\"peers\":"), try cursor.int(",\"better\":"))
        try cursor.expect(",\"named\":")
        guard case .array(let names) = try cursor.value() else { throw cursor.malformed("a list of trials") }
        let verdict = Verdict(
            rule: rule, action: action, step: step, value: value, threshold: threshold, peers: peers, better: better,
            named: names.compactMap { $0.integerValue.flatMap { Int(exactly: $0) } },
            rung: try cursor.optionalInteger(",\"rung\":"),
            bracket: try cursor.optionalInteger(",\"bracket\":").map(Int.init),
            probability: try cursor.optionalDouble(",\"probability\":"))
        return (verdict, enforcement)
    }

    /// Reads what `text(of:)` wrote.
    package static func judgement(_ text: String) throws(EventCodecError) -> Judgement {
        try Array((",\(text.dropFirst())").utf8).withUnsafeBufferPointer { bytes throws(EventCodecError) in
            var cursor = EventCodecCursor(bytes)
            let (verdict, enforcement) = try verdict(&cursor)
            return Judgement(verdict, enforcement)
        }
    }
}

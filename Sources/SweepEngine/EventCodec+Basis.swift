// SPDX-License-Identifier: MIT

package import SweepModel

/// What a proposal was made from. Numbers are written so that they are read back bit for bit.
extension EventCodec {
    /// As the journal has it.
    package static func text(of basis: ProposalBasis) -> String {
        var bytes: [UInt8] = []
        append(basis, &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    static func append(_ basis: ProposalBasis, _ bytes: inout [UInt8]) {
        member("{\"origin\":", basis.origin.rawValue, &bytes)
        member(",\"position\":", Int64?.some(basis.position), &bytes)
        member(",\"place\":", basis.place, &bytes)
        appendJSONWord(",\"fits\":[", to: &bytes)
        for (index, fit) in basis.fits.enumerated() {
            if index > 0 { appendJSONWord(",", to: &bytes) }
            append(fit, &bytes)
        }
        appendJSONWord("]}", to: &bytes)
    }

    private static func append(_ fit: ModelFit, _ bytes: inout [UInt8]) {
        member("{\"of\":", fit.subject.rawValue, &bytes)
        member(",\"position\":", Int64?.some(fit.position), &bytes)
        member(",\"ordinal\":", fit.ordinal, &bytes)
        member(",\"results\":", fit.results, &bytes)
        appendJSONWord(",\"start\":", to: &bytes)
        append(fit.start, &bytes)
        appendJSONWord(",\"found\":", to: &bytes)
        append(fit.found, &bytes)
        appendJSONWord("}", to: &bytes)
    }

    private static func append(_ numbers: [Double], _ bytes: inout [UInt8]) {
        appendJSONWord("[", to: &bytes)
        for (index, number) in numbers.enumerated() {
            if index > 0 { appendJSONWord(",", to: &bytes) }
            appendJSONNumber(number, to: &bytes)
        }
        appendJSONWord("]", to: &bytes)
    }

    /// Reads what `text(of:)` wrote.
    package static func basis(_ text: String) throws(EventCodecError) -> ProposalBasis? {
        try Array(",\"basis\":\(text)".utf8).withUnsafeBufferPointer { bytes throws(EventCodecError) in
            var cursor = EventCodecCursor(bytes)
            return try basis(&cursor)
        }
    }

    /// Journals of the first version have none.
    static func basis(_ cursor: inout EventCodecCursor) throws(EventCodecError) -> ProposalBasis? {
        guard cursor.skip(",\"basis\":") else { return nil }
        try cursor.expect("{\"origin\":")
        guard let origin = ProposalBasis.Origin(rawValue: try cursor.string()) else {
            throw cursor.malformed("a known origin")
        }
        let position = try cursor.integer(",\"position\":")
        let place = try cursor.int(",\"place\":")
        try cursor.expect(",\"fits\":[")
        var fits: [ModelFit] = []
        if !cursor.skip("]") {
            repeat { fits.append(try fit(&cursor)) } while cursor.skip(",")
            try cursor.expect("]")
        }
        try cursor.expect("}")
        return ProposalBasis(origin: origin, position: position, place: place, fits: fits)
    }

    private static func fit(_ cursor: inout EventCodecCursor) throws(EventCodecError) -> ModelFit {
        try cursor.expect("{\"of\":")
        guard let subject = ModelFit.Subject(rawValue: try cursor.string()) else {
            throw cursor.malformed("a known subject")
        }
        let fit = ModelFit(
            subject: subject, position: try cursor.integer(",\"position\":"), ordinal: try cursor.int(",\"ordinal\":"),
            results: try cursor.int(",\"results\":"), start: try numbers(",\"start\":", &cursor),
            found: try numbers(",\"found\":", &cursor))
        try cursor.expect("}")
        return fit
    }

    private static func numbers(
        _ name: StaticString, _ cursor: inout EventCodecCursor
    ) throws(EventCodecError) -> [Double] {
        try cursor.expect(name)
        try cursor.expect("[")
        var numbers: [Double] = []
        if cursor.skip("]") { return numbers }
        repeat { numbers.append(try cursor.double()) } while cursor.skip(",")
        try cursor.expect("]")
        return numbers
    }
}

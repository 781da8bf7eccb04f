// SPDX-License-Identifier: MIT

import SweepModel

/// Journal entries as lines of JSON: `{"at":1700000000000,"e":"leased","fence":5,…}`.
///
/// Each kind has one spelling, its members in one order, so that a line is a function of its entry and reading needs no
/// tree. A field that a later version adds goes to the end of its kind and raises the store's schema version.
package enum EventCodec {
    /// Appends the entry's line without a line feed; there is none within it either.
    package static func append(_ entry: JournalEntry, to bytes: inout [UInt8]) {
        appendJSONWord("{\"at\":", to: &bytes)
        appendJSONInteger(entry.at.milliseconds, to: &bytes)
        appendJSONWord(",\"e\":\"", to: &bytes)
        append(entry.event, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    /// The entry as one line of text.
    package static func line(_ entry: JournalEntry) -> String {
        var bytes: [UInt8] = []
        append(entry, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads one line that `append` wrote.
    package static func decode(_ line: UnsafeBufferPointer<UInt8>) throws(EventCodecError) -> JournalEntry {
        var cursor = EventCodecCursor(line)
        try cursor.expect("{\"at\":")
        let at = Timestamp(milliseconds: try cursor.integer())
        try cursor.expect(",\"e\":")
        let event = try event(kind: try cursor.string(), &cursor)
        try cursor.expect("}")
        guard cursor.isAtEnd else { throw cursor.malformed("the end of the line") }
        return JournalEntry(at: at, event: event)
    }

    /// Reads one line that `append` wrote.
    package static func decode(_ line: String) throws(EventCodecError) -> JournalEntry {
        try Array(line.utf8).withUnsafeBufferPointer { bytes throws(EventCodecError) in try decode(bytes) }
    }
}

/// Why a journal's line is not an entry that this version knows.
package enum EventCodecError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The writer was of a later version: open the data directory with that one.
    case unknownKind(String)
    /// Not what any version wrote: damage that the checksum did not show, or our own bug.
    case malformed(expected: String, offset: Int)
    /// A sweep's definition that the sweep file's reader refuses.
    case definition(String)

    package var description: String {
        switch self {
        case .unknownKind(let kind):
            "an event of the unknown kind '\(kind)': the journal was written by a newer version of sweepd"
        case .malformed(let expected, let offset): "expected \(expected) at byte \(offset) of the line"
        case .definition(let reason): "a sweep's definition cannot be read: \(reason)"
        }
    }
}

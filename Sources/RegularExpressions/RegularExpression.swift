// SPDX-License-Identifier: MIT

import CPCRE2

/// A regular expression in PCRE2's syntax, searched at a cost with a limit.
///
/// Backtracking can take exponential time, and PCRE2's own limit on it holds for each place in the text where a match may
/// begin, not for a search. So PCRE2 is made to call back before every item of the pattern (`PCRE2_AUTO_CALLOUT`), and
/// what is counted there ends the search.
@safe package final class RegularExpression {
    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// A named group that took part in a match.
    package struct Capture: Hashable, Sendable {
        package let name: String
        package let text: String
    }

    /// Bytes of a pattern.
    package static let maximumBytes = 4096

    /// The names of its groups, from left to right.
    package var names: [String] { groups.map(\.name) }

    private let code: OpaquePointer
    private let results: OpaquePointer
    private let limits: OpaquePointer
    private let groups: [(number: Int, name: String)]

    package init(_ pattern: String) throws(Failure) {
        guard pattern.utf8.count <= Self.maximumBytes else {
            throw Failure(description: "it has more than \(Self.maximumBytes) bytes")
        }
        let code = try unsafe Self.compile(pattern)
        guard let results = unsafe pcre2_match_data_create_from_pattern_8(code, nil),
            let limits = unsafe pcre2_match_context_create_8(nil)
        else { preconditionFailure("no memory for a regular expression") }
        // Behind the count of steps, and for each place where a match may begin.
        unsafe pcre2_set_match_limit_8(limits, 1_000_000)
        unsafe pcre2_set_depth_limit_8(limits, 1_000_000)
        // KiB, and kept from search to search.
        unsafe pcre2_set_heap_limit_8(limits, 16 << 10)
        unsafe self.code = code
        unsafe self.results = results
        unsafe self.limits = limits
        groups = unsafe Self.groups(of: code)
    }

    deinit {
        unsafe pcre2_match_context_free_8(limits)
        unsafe pcre2_match_data_free_8(results)
        unsafe pcre2_code_free_8(code)
    }

    /// Hands over each match of the text in turn, none overlapping another; no text is no match where another ended.
    ///
    /// - Returns: whether all of the text was searched; `effort` was not enough otherwise.
    package func search(_ text: String, effort: SearchEffort, match: ([Capture]) -> Void) -> Bool {
        var text = text
        var counter = StepCounter(effort)
        return text.withUTF8 { bytes in
            unsafe withUnsafeMutablePointer(to: &counter) { counter in
                unsafe pcre2_set_callout_8(limits, StepCounter.callout, counter)
                defer { unsafe pcre2_set_callout_8(limits, nil, nil) }
                return unsafe search(bytes, match: match)
            }
        }
    }

    /// - Parameter bytes: valid UTF-8.
    private func search(_ bytes: UnsafeBufferPointer<UInt8>, match: ([Capture]) -> Void) -> Bool {
        guard let bounds = unsafe pcre2_get_ovector_pointer_8(results) else { return false }
        var start = 0
        var options = PCRE2_NO_UTF_CHECK
        while true {
            let status = unsafe pcre2_match_8(code, bytes.baseAddress, bytes.count, start, options, results, limits)
            if status == PCRE2_ERROR_NOMATCH { return true }
            // Also for what only a defect of ours could bring about.
            guard status > 0 else { return false }
            match(
                groups.compactMap { group in
                    // A group that took no part has -1 for both, or stands behind the last that did.
                    guard group.number < status else { return nil }
                    let (lower, upper) = unsafe (bounds[2 * group.number], bounds[2 * group.number + 1])
                    guard lower >= 0, lower <= upper else { return nil }
                    return Capture(name: group.name, text: unsafe String(decoding: bytes[lower..<upper], as: UTF8.self))
                })
            let end = unsafe bounds[1]
            // `\K` in what looks ahead could begin a match behind its end, where PCRE2 was built to allow it.
            guard end >= start, unsafe bounds[0] <= end else { return true }
            start = end
            // The next is not the empty text at the end of this one, so each search gets further.
            options = PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY_ATSTART
        }
    }

    // MARK: Compiling

    private static func compile(_ pattern: String) throws(Failure) -> OpaquePointer {
        guard let settings = unsafe pcre2_compile_context_create_8(nil) else {
            preconditionFailure("no memory for a regular expression")
        }
        defer { unsafe pcre2_compile_context_free_8(settings) }
        unsafe pcre2_set_max_pattern_length_8(settings, maximumBytes)
        // Lines of other systems and bars of progress: a carriage return ends what `.` matches, and `$` stands before it.
        unsafe pcre2_set_newline_8(settings, UInt32(PCRE2_NEWLINE_ANYCRLF))
        // `\C` would match single bytes of a character.
        let options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT
        var status: CInt = 0
        var offset = 0
        var pattern = pattern
        let code = pattern.withUTF8 { bytes in
            unsafe pcre2_compile_8(bytes.baseAddress, bytes.count, options, &status, &offset, settings)
        }
        guard let code = unsafe code else {
            throw Failure(description: "\(message(of: status)) (at byte \(offset))")
        }
        return unsafe code
    }

    private static func message(of status: CInt) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            unsafe pcre2_get_error_message_8(status, buffer.baseAddress, buffer.count)
        }
        return length > 0 ? String(decoding: buffer.prefix(Int(length)), as: UTF8.self) : "error \(status)"
    }

    private static func groups(of code: OpaquePointer) -> [(number: Int, name: String)] {
        var (count, size): (UInt32, UInt32) = (0, 0)
        var table: UnsafePointer<UInt8>?
        unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMECOUNT), &count)
        unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMEENTRYSIZE), &size)
        unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMETABLE), &table)
        guard let table = unsafe table else { return [] }
        // Sorted by name there: two bytes of a group's number, then its name and a zero.
        let groups = (0..<Int(count)).map { index in
            let entry = unsafe table + index * Int(size)
            return unsafe (number: Int(entry[0]) << 8 | Int(entry[1]), name: String(cString: entry + 2))
        }
        return groups.sorted { $0.number < $1.number }
    }
}

// SPDX-License-Identifier: MIT

import SweepModel

/// The beginning, at most `limit` bytes, no character of Unicode cut in two.
func beginning(of text: String, limit: Int) -> String {
    if text.utf8.count <= limit { return text }
    var end = text.utf8.index(text.utf8.startIndex, offsetBy: limit)
    while UTF8.isContinuation(text.utf8[end]) { end = text.utf8.index(before: end) }
    return String(text[..<end])
}

/// The end, at most `limit` bytes, no character of Unicode cut in two.
func end(of text: String, limit: Int) -> String {
    if text.utf8.count <= limit { return text }
    var start = text.utf8.index(text.utf8.endIndex, offsetBy: -limit)
    while start < text.utf8.endIndex, UTF8.isContinuation(text.utf8[start]) { start = text.utf8.index(after: start) }
    return String(text[start...])
}

/// `,"name":` is in `label`. Beyond 2^53 the integer is a decimal string, since many readers have doubles only.
func appendMember(_ label: StaticString, _ value: Int64, to bytes: inout [UInt8]) {
    appendJSONWord(label, to: &bytes)
    if value.magnitude <= 1 << 53 {
        appendJSONInteger(value, to: &bytes)
    } else {
        appendJSONString(String(value), to: &bytes)
    }
}

func appendMember(_ label: StaticString, _ text: String, to bytes: inout [UInt8]) {
    appendJSONWord(label, to: &bytes)
    appendJSONString(text, to: &bytes)
}

func appendMember(_ label: StaticString, _ value: Bool, to bytes: inout [UInt8]) {
    appendJSONWord(label, to: &bytes)
    appendJSONBool(value, to: &bytes)
}

func appendList<Element>(
    _ label: StaticString, _ elements: [Element], to bytes: inout [UInt8],
    _ write: (Element, inout [UInt8]) -> Void
) {
    appendJSONWord(label, to: &bytes)
    bytes.append(UInt8(ascii: "["))
    for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        write(element, &bytes)
    }
    bytes.append(UInt8(ascii: "]"))
}

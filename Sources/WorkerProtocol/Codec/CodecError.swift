// SPDX-License-Identifier: MIT

package import SweepModel

/// Why frames are no message of protocol version 1. The sender has to be mended; the same bytes fail again.
package enum CodecError: Error, Hashable, Sendable {
    /// Not exactly two.
    case frameCount(Int)
    /// The first frame is not `ProtocolLimits.magic`: another protocol, or another version of this one.
    case magic
    case json(JSONError)
    /// The second frame is JSON, but no object with a type.
    case noMessage
    /// Well-formed, and of a type this release does not know: to be answered with a refusal of that code.
    case unknownType(String)
    /// `path` names the field (`events[3].seq`), `problem` says what it must be.
    case field(path: String, problem: String)

    /// Puts a nested field's error into its place.
    func within(_ place: String) -> CodecError {
        guard case .field(let path, let problem) = self else { return self }
        return .field(path: path.isEmpty ? place : "\(place).\(path)", problem: problem)
    }
}

extension CodecError: CustomStringConvertible {
    /// Short whatever was sent, since it is sent back.
    package var description: String {
        switch self {
        case .frameCount(let count): "a message has 2 frames, not \(count)"
        case .magic: "the first frame must be \(ProtocolLimits.magic)"
        case .json(let error): String("\(error)".prefix(200))
        case .noMessage: "the second frame must be an object with the type 't'"
        case .unknownType(let type): "unknown message type '\(type.prefix(64))'"
        case .field(let path, let problem): "\(path.prefix(200)) \(problem.prefix(200))"
        }
    }
}

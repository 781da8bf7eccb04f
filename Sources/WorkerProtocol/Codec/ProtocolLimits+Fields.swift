// SPDX-License-Identifier: MIT

import SweepModel

/// Bounds of single fields: bytes of UTF-8, or elements. A longer one makes the whole message malformed; what an
/// attempt says (reasons, warnings, messages, tails, metrics) is shortened by the encoder instead.
extension ProtocolLimits {
    /// Names of hosts, programs, sweeps, metrics; sessions; digests.
    package static let nameBytes = 256
    /// Reasons, messages, warnings.
    package static let reasonBytes = 1000
    /// Characters of a warning.
    package static let warningCharacters = 500
    package static let pathBytes = 4096
    package static let argumentBytes = TrialBounds.argumentBytes
    package static let arguments = TrialBounds.arguments
    package static let parameters = TrialBounds.parameters
    package static let metricsPerReport = 256
    package static let tasks = 256
    /// Leases in a hello, beat or welcome; fences in an ack or nack.
    package static let fencesPerMessage = 8192
    /// Of a whole events message, so that it stays below `frameBytes` whatever the events hold.
    package static let eventBytesPerMessage = 512 << 10
    /// Of the leases in a message, the paths that they get last among them.
    package static let leaseBytesPerMessage = 768 << 10
    package static let slots = 1 << 20
    /// 100 years.
    static let milliseconds: Int64 = 100 * 366 * 24 * 3600 * 1000
}

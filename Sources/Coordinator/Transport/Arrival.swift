// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// Something that came in, read and with its sender established.
enum Arrival {
    case message(Connection, PeerIdentity, Envelope<WorkerMessage>)
    /// By its operator's key.
    case request(Connection, OperatorRequest.Parsed)
    /// Under an invitation's key, which is named by its public half.
    case enrolment(Connection, invitation: String, [UInt8])
    case malformed(Malformed)

    /// A message that is none: what the peer is told, and what the log says.
    struct Malformed: Error {
        let connection: Connection
        let refusal: Refusal

        init(_ connection: Connection, _ reason: String, _ code: Refusal.Code = .malformed) {
            self.connection = connection
            refusal = Refusal(code: code, message: reason, isFatal: false)
        }

        static func oversized(_ connection: Connection) -> Malformed {
            Malformed(connection, "more than 1 MiB or too many frames")
        }
    }

    /// A worker's message, or what is wrong with it.
    init(_ frames: ArraySlice<[UInt8]>, from connection: Connection, _ identity: PeerIdentity) {
        do throws(CodecError) {
            self = .message(connection, identity, try MessageCodec.decodeWorkerMessage(Array(frames)))
        } catch {
            let code: Refusal.Code = if case .unknownType = error { .unknownType } else { .malformed }
            self = .malformed(Malformed(connection, "\(error)", code))
        }
    }
}

// SPDX-License-Identifier: MIT

import CZeroMQ

extension SocketOptions {
    /// How a socket and its peers know each other.
    package enum Security: Hashable, Sendable {
        /// Not at all: for ipc below a directory of mode 0700, where the kernel names the peer.
        case none
        /// Peers are encrypted, and admitted by the process's `Authenticator` for `domain` or not at all.
        case curveServer(CurveSecretKey, domain: String)
        /// Talks to the holder of `server`'s secret and to nobody else.
        case curveClient(server: CurveKey, own: CurveKeyPair)

        func apply(to socket: UnsafeMutableRawPointer) throws(ZMQError) {
            switch self {
            case .none: break
            case .curveServer(let secret, let domain):
                guard Self.isDomain(domain) else { throw .invalidDomain }
                unsafe try set(ZMQ_ZAP_DOMAIN, domain, on: socket)
                unsafe try set(zapEnforceDomain, CInt(1), on: socket)
                unsafe try set(ZMQ_CURVE_SERVER, CInt(1), on: socket)
                unsafe try set(ZMQ_CURVE_SECRETKEY, secret.text, on: socket)
            case .curveClient(let server, let own):
                unsafe try set(ZMQ_CURVE_SERVERKEY, server.text, on: socket)
                unsafe try set(ZMQ_CURVE_PUBLICKEY, own.publicKey.text, on: socket)
                unsafe try set(ZMQ_CURVE_SECRETKEY, own.secret.text, on: socket)
            }
        }

        /// Whether the socket may bind to tcp.
        var isServer: Bool {
            switch self {
            case .none, .curveClient: false
            case .curveServer: true
            }
        }

        /// With an empty domain libzmq asks no authenticator and admits everybody, even if told to enforce it.
        static func isDomain(_ domain: String) -> Bool {
            1...255 ~= domain.utf8.count && domain.utf8.allSatisfy { 0x21...0x7E ~= $0 }
        }
    }
}

/// ZMQ_ZAP_ENFORCE_DOMAIN: without it a server whose authenticator is missing admits everybody. zmq.h shows it only to
/// those who ask for drafts, but every libzmq from 4.3.0 on knows the number; one that does not refuses it, and then
/// there is no socket.
private let zapEnforceDomain: CInt = 93

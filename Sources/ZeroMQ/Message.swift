// SPDX-License-Identifier: MIT

/// A message and what libzmq says of its sender.
package struct Message: Hashable, Sendable {
    /// A router's first frame is the routing id of the connection: new at every reconnection, never to be stored.
    package internal(set) var frames: [[UInt8]] = []
    /// It had more frames or bytes than the socket's limit: nothing of it is left but a router's routing id.
    package internal(set) var isOversized = false
    /// Over ipc `host:uid:gid:pid`, as the kernel names the peer; over tcp its address. nil when there was no payload.
    package internal(set) var peerAddress: String?
    /// Who the authentication says the peer is; empty without one.
    package internal(set) var userID: String?

    mutating func discard(routed: Bool) {
        if isOversized { return }
        isOversized = true
        frames = routed ? Array(frames.prefix(1)) : []
    }
}

// SPDX-License-Identifier: MIT

/// The 32-bit FNV-1a hash of a name's UTF-8 bytes: what stands for the name in a stream's counter.
package func fnv1a32(_ name: String) -> UInt32 {
    var hash: UInt32 = 0x811C_9DC5
    for byte in name.utf8 {
        hash = (hash ^ UInt32(byte)) &* 0x0100_0193
    }
    return hash
}

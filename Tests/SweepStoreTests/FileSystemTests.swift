// SPDX-License-Identifier: MIT

import Testing

@testable import SweepStore

@Suite struct FileSystemTests {
    private static let mounts = """
        22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
        30 22 0:27 / /home rw,relatime shared:9 - nfs4 server:/export/home rw,vers=4.2
        31 22 0:28 / /home/me/local rw - xfs /dev/sdb1 rw
        32 22 0:29 / /mnt/with\\040space rw - fuse.sshfs host:/ rw
        33 22 0:30 / /tmp rw - tmpfs tmpfs rw
        34 22 0:31 / /tmp rw - overlay overlay rw
        not a mount
        """

    @Test(arguments: [
        ("/", "ext4"), ("/var/lib", "ext4"), ("/home", "nfs4"), ("/home/me", "nfs4"), ("/home/me/local/x", "xfs"),
        ("/homes", "ext4"), ("/mnt/with space/data", "fuse.sshfs"), ("/tmp/x", "overlay"),
    ])
    func takesTheMountThatLeadsThere(path: String, kind: String) {
        #expect(FileSystem.kind(of: path, mounts: Self.mounts) == kind)
    }

    @Test(arguments: [
        ("ext4", false), ("xfs", false), ("tmpfs", false), ("overlay", false), ("nfs", true), ("nfs4", true),
        ("cifs", true), ("9p", true), ("fuse.sshfs", true), ("fuseblk", true), ("lustre", true),
    ])
    func refusesWhatLocksAndSyncsCannotBeReliedOn(kind: String, isUnsafe: Bool) {
        #expect(FileSystem.isUnsafe(kind) == isUnsafe)
    }

    @Test func anUnreadableListIsNoKind() {
        #expect(FileSystem.kind(of: "/x", mounts: "") == nil)
    }
}

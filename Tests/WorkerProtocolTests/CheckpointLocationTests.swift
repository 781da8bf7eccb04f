// SPDX-License-Identifier: MIT

import Testing
import WorkerProtocol

/// `Workers/Python/tests/test_location.py` has the same table.
@Suite struct CheckpointLocationTests {
    @Test(arguments: [
        ("/c/4", "/c/4"), ("/", "/"), ("/c:/4", "/c:/4"), ("/a%20b", "/a%20b"), ("/\u{301}x", "/\u{301}x"),
        ("file:///c/4", "/c/4"), ("file://localhost/c", "/c"), ("FILE:/c", "/c"), ("file:///a%20b%C3%A4", "/a bä"),
    ])
    func paths(location: String, path: String) {
        #expect(CheckpointLocation(location) == .path(path))
    }

    @Test(arguments: [
        "s3://bucket//x", "gs://b/c?d#e", "a+b-c.1:x", "virtual:/1/2", "http://169.254.169.254/", "file://host/c",
        "files:///c", "file:c",
    ])
    func storage(location: String) {
        #expect(CheckpointLocation(location) == .uri(location))
    }

    @Test(arguments: [
        "", "c", "c/4", "../x", "./c", "~/c", "1a:x", ":x", "s3:", "bucket/a:b", "/a\u{0}b", "s3://a\u{0}b", "ä:x",
        "file:///c%00d", "file:///c%", "file:///c%2", "file:///c%g0", "file:///%FF", "file:///c%+1",
    ])
    func neither(location: String) {
        #expect(CheckpointLocation(location) == nil)
    }
}

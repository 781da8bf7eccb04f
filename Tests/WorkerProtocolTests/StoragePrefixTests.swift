// SPDX-License-Identifier: MIT

import Testing
import WorkerProtocol

/// `Workers/Python/tests/test_location.py` has the same tables.
@Suite struct StoragePrefixTests {
    @Test(arguments: [
        ("s3://b/p", "s3://b/p/4"), ("s3://b/p/", "s3://b/p/s/1/a7"), ("s3://b/p", "s3://b/p//x"),
        ("s3://b", "s3://b/x"),
        ("s3://b/", "s3://b/x"), ("s3://b/p q", "s3://b/p q/x y"), ("hdfs:///a", "hdfs:///a/b"),
        ("dbfs:/a", "dbfs:/a/b"),
        ("s3://b/p", "s3://b/p/50%25/1"), ("s3://b/p", "s3://b/p/a%2Fb/1"), ("s3://b/p", "s3://b/p/%2Ehidden"),
        ("s3://b/p", "s3://b/p/a..b/..."), ("s3://b/p", "s3://b/p/100%"), ("s3://b/p", "s3://b/p/\u{301}x"),
        ("http://u@h:80/p", "http://u@h:80/p/x"),
    ])
    func below(prefix: String, location: String) {
        #expect(StoragePrefix(prefix)?.contains(location) == true)
    }

    @Test(arguments: [
        // Somebody else's place.
        "s3://attacker/p/x", "s3://b.evil/p/x", "s3://b@evil/p/x", "s3://b:1/p/x", "gs://b/p/x", "S3://b/p/x",
        "s3:/b/p/x",
        "s3:///b/p/x", "s3://B/p/x", "/b/p/x", "b/p/x", "s3://", "s3:", "file:///b/p/x",
        // Not below it.
        "s3://b/px", "s3://b/p", "s3://b/p/", "s3://b/p//", "s3://b/x/p/y", "s3://b//p/x", "s3://b/P/x", "s3://b/%70/x",
        // Out of it again, for some reader.
        "s3://b/p/../x", "s3://b/p/..", "s3://b/p/./x", "s3://b/p/%2e%2e/x", "s3://b/p/.%2E/x", "s3://b/p/%2e/x",
        "s3://b/p/%2E.%2Fx", "s3://b/p/..%2fx", "s3://b/p/%252e%252e/x", "s3://b/p/%25252e%25252e/x", #"s3://b/p/..\x"#,
        #"s3://b\@evil/p/x"#, "s3://b/p/..%5Cx", "s3://b/p/%zz/%2e%2e/x",
        // Something else besides.
        "s3://b/p/x?endpoint_override=evil", "s3://b/p/x#y", "s3://b/p/x%00y", "s3://b/p/x\ny", "s3://b/p/x%0Ay",
    ])
    func notBelow(location: String) {
        #expect(StoragePrefix("s3://b/p")?.contains(location) == false)
    }

    @Test(arguments: [
        "/a", "a", "file:///a", "runs:x", "s3:", "s3://", "s3://b/../c", "s3://b/%2e%2e/c", "s3://b?x=y", "s3://b/p#q",
        "",
    ])
    func noPrefix(text: String) {
        #expect(StoragePrefix(text) == nil)
    }
}

// SPDX-License-Identifier: MIT

import CProcess
import Foundation

/// Where one attempt's processes connect to report. Each attempt has its own path, so that a process of an earlier
/// attempt cannot speak for a later one.
struct ReportListener: ~Copyable {
    /// At once; a script that opens one connection a report closes them again.
    static let maximumConnections = 64

    let path: String
    let descriptor: Int32

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    static func open(_ path: String) throws(Files.Failure) -> ReportListener {
        let descriptor = sweepd_listen(path)
        guard descriptor >= 0 else { throw Files.Failure(path: path, code: errno) }
        return ReportListener(path: path, descriptor: descriptor)
    }

    /// nil when nobody waits, or no descriptor is free: then whoever waits is taken later.
    func accept() -> ReportConnection? {
        let connection = sweepd_accept(descriptor)
        return connection >= 0 ? ReportConnection(descriptor: connection) : nil
    }
}

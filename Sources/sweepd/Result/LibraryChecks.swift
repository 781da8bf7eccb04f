// SPDX-License-Identifier: MIT

import Foundation

/// The libraries this process really loaded, asked for their versions by name: what the package manager says may differ.
enum LibraryChecks {
    static func all() -> [HealthCheck] { [zeroMQ(), sqlite(), pcre2()] + (openBLAS().map { [$0] } ?? []) }

    private static func zeroMQ() -> HealthCheck {
        typealias Version =
            @convention(c) (
                UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int32>
            ) -> Void
        guard let version: Version = function("zmq_version") else {
            return .failure("libzmq", "not loaded", remedy: "sudo apt-get install libzmq5")
        }
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        version(&major, &minor, &patch)
        let text = "\(major).\(minor).\(patch)"
        if (major, minor) < (4, 3) {
            return .failure("libzmq", "\(text), older than 4.3", remedy: "sudo apt-get install libzmq5")
        }
        return .ok("libzmq", text)
    }

    private static func sqlite() -> HealthCheck {
        typealias Version = @convention(c) () -> UnsafePointer<CChar>?
        guard let version: Version = function("sqlite3_libversion"), let text = version().map({ String(cString: $0) })
        else { return .failure("SQLite", "not loaded", remedy: "sudo apt-get install libsqlite3-0") }
        let parts = text.split(separator: ".").compactMap { Int($0) }
        // STRICT tables.
        if parts.count >= 2, (parts[0], parts[1]) < (3, 37) {
            return .failure("SQLite", "\(text), older than 3.37", remedy: "sudo apt-get install libsqlite3-0")
        }
        return .ok("SQLite", text)
    }

    private static func pcre2() -> HealthCheck {
        typealias Setting = @convention(c) (UInt32, UnsafeMutableRawPointer?) -> Int32
        // PCRE2_CONFIG_VERSION, PCRE2_CONFIG_UNICODE
        let (versionKey, unicodeKey): (UInt32, UInt32) = (11, 9)
        var text = [UInt8](repeating: 0, count: 64)
        var hasUnicode: UInt32 = 0
        guard let setting: Setting = function("pcre2_config_8"), setting(versionKey, nil) <= text.count,
            setting(versionKey, &text) > 0, setting(unicodeKey, &hasUnicode) >= 0
        else { return .failure("PCRE2", "not loaded", remedy: "sudo apt-get install libpcre2-8-0") }
        let version = String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
        // Every pattern is refused then.
        if hasUnicode == 0 {
            return .failure("PCRE2", "\(version), built without Unicode", remedy: "sudo apt-get install libpcre2-8-0")
        }
        return .ok("PCRE2", version)
    }

    /// nil where this build does not use it.
    private static func openBLAS() -> HealthCheck? {
        typealias Version = @convention(c) () -> UnsafePointer<CChar>?
        guard let version: Version = function("openblas_get_config"),
            let text = version().map({ String(cString: $0) })
        else { return nil }
        return .ok("OpenBLAS", text)
    }

    private static func function<Signature>(_ name: String) -> Signature? {
        // The handle of the program itself and all that it loaded.
        guard let program = dlopen(nil, RTLD_LAZY), let symbol = dlsym(program, name) else { return nil }
        return unsafeBitCast(symbol, to: Signature.self)
    }
}

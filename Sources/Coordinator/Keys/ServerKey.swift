// SPDX-License-Identifier: MIT

import Keys
import ZeroMQ

/// The coordinator's own key pair, by which workers know it: made once and kept in the data directory.
enum ServerKey {
    /// - Throws: `SecretFile.Failure` when the file is not as safe as it was left, or is no key.
    static func load(_ data: DataDirectory) throws -> CurveKeyPair {
        let file = SecretFile(data.serverKeyFile)
        guard file.exists else {
            let pair = try CurveKeyPair.generate()
            try file.write(Array((pair.secret.text + "\n").utf8))
            return pair
        }
        let text = String(decoding: try file.read(), as: UTF8.self).split(whereSeparator: \.isWhitespace).first
        guard let text, let secret = try? CurveSecretKey(String(text)) else {
            throw SecretFile.Failure(
                description: "\(file.path) holds no key: without it no worker can be reached any more; "
                    + "restore it, or remove it and invite every worker anew")
        }
        return try CurveKeyPair(secret: secret)
    }
}

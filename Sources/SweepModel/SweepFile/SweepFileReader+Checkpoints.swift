// SPDX-License-Identifier: MIT

extension SweepFileReader {
    mutating func checkpoints(_ node: YAMLNode) -> CheckpointPolicy? {
        if node.isNull { return nil }
        guard mapping(node, keys: ["keep", "total", "path"]) != nil else { return nil }
        var policy = CheckpointPolicy()
        if let keep = node["keep"].flatMap({ word($0, of: CheckpointPolicy.Keep.self) }) { policy.keep = keep }
        policy.total = node["total"].flatMap { size($0) }
        policy.path = node["path"].flatMap { checkpointPath($0) }
        return policy
    }

    private mutating func checkpointPath(_ node: YAMLNode) -> String? {
        guard let text = line(node) else { return nil }
        guard text.hasPrefix("/") || text.contains("://") else {
            error(node, "must be an absolute path or a URI that every worker reaches, found '\(text.shortened)'")
            return nil
        }
        guard text.utf8.count <= 2048, !text.utf8.contains(0),
            !text.utf8.split(separator: UInt8(ascii: "/")).contains(where: { $0.elementsEqual("..".utf8) })
        else {
            error(node, "must have at most 2048 bytes and no '..'")
            return nil
        }
        return text
    }
}

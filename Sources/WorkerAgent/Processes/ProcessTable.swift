// SPDX-License-Identifier: MIT

import Foundation

/// One pass over /proc.
enum ProcessTable {
    struct Entry: Hashable {
        let id: pid_t
        let parent: pid_t
        let group: pid_t
        /// Clock ticks since boot: with `id` it names a process for good.
        let start: UInt64
        /// Resident bytes.
        let resident: Int64
    }

    static var ids: [pid_t] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var result: [pid_t] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let id = pid_t(name), id > 0 { result.append(id) }
        }
        return result
    }

    /// nil when it has ended.
    static func entry(_ id: pid_t) -> Entry? {
        guard let bytes = Files.read("/proc/\(id)/stat", limit: 4096), let name = bytes.lastIndex(of: 0x29) else {
            return nil
        }
        // Fields from the third on; the second, the name, may hold spaces.
        let fields = bytes[(name + 1)...].split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
        guard fields.count > 21, let parent = pid_t(fields[1]), let group = pid_t(fields[2]),
            let start = UInt64(fields[19]),
            let pages = Int64(fields[21])
        else { return nil }
        return Entry(
            id: id, parent: parent, group: group, start: start, resident: pages * Int64(sysconf(Int32(_SC_PAGESIZE))))
    }

    /// Resident bytes of each of the groups. Pages that processes share are counted for each of them.
    static func resident(ofGroups groups: Set<pid_t>) -> [pid_t: Int64] {
        if groups.isEmpty { return [:] }
        var sums: [pid_t: Int64] = [:]
        for id in ids {
            guard let entry = entry(id), groups.contains(entry.group) else { continue }
            sums[entry.group, default: 0] += entry.resident
        }
        return sums
    }

    /// Resident bytes of a group with shared pages divided among their users; nil where the kernel does not say.
    /// Costly: it walks page tables.
    static func proportional(ofGroup group: pid_t) -> Int64? {
        var sum: Int64 = 0
        for id in ids where entry(id)?.group == group {
            guard let bytes = Files.read("/proc/\(id)/smaps_rollup") else { return nil }
            let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("Pss:") }
            guard let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap({ Int64($0) }) else {
                return nil
            }
            sum += kilobytes * 1024
        }
        return sum
    }

    /// The value of a variable in the environment the process was started with; nil when it may not be read.
    static func variable(_ name: String, of id: pid_t) -> String? {
        guard let bytes = Files.read("/proc/\(id)/environ", limit: 4 << 20) else { return nil }
        let prefix = Array("\(name)=".utf8)
        for entry in bytes.split(separator: 0) where entry.starts(with: prefix) {
            return String(decoding: entry.dropFirst(prefix.count), as: UTF8.self)
        }
        return nil
    }
}

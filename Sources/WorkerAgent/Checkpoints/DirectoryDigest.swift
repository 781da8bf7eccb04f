// SPDX-License-Identifier: MIT

import Crypto
import Foundation

/// SHA-256 over a directory: the text that is hashed is laid down in `Docs/writing-a-worker.md`, section "Checkpoints",
/// and `Workers/Python/src/sweepd/_digest.py` computes the same.
///
/// No link is followed, not even one that takes a file's place while we read: each name is opened below the folder that
/// was opened before it. Nothing but the names is kept in memory.
package struct DirectoryDigest: Hashable, Sendable {
    package enum Failure: Error, Hashable, Sendable {
        /// errno, and what it is about.
        case system(path: String, code: Int32)
        /// A link, a pipe, a socket, a device: a digest could not vouch for it.
        case notPlain(path: String)
        case tooDeep(path: String)
        case changed(path: String)
        case cancelled
    }

    /// Levels of folders: each costs a descriptor while it is looked through.
    package static let maximumDepth = 128
    private static let chunkBytes = 1 << 20

    /// 64 lower-case hexadecimal digits.
    package let hex: String
    /// Of all files together.
    package let bytes: Int64

    /// - Parameters:
    ///   - directory: a folder, no link to one.
    ///   - isCancelled: asked before each MiB.
    package init(of directory: String, isCancelled: () -> Bool = { false }) throws(Failure) {
        let root = try Folder.open(directory)
        var files: [File] = []
        try root.list(&files, isCancelled)
        files.sort { $0.path.lexicographicallyPrecedes($1.path) }
        var hash = SHA256()
        var total: Int64 = 0
        var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
        for file in files {
            if isCancelled() { throw .cancelled }
            hash.update(data: file.path + [0] + Array(String(file.size).utf8) + [0])
            try root.read(file, &chunk, isCancelled) { hash.update(data: $0) }
            total += file.size
        }
        hex = hash.finalize().reduce(into: "") { text, byte in
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        bytes = total
    }
}

/// A regular file. Names are bytes: they need not be text.
private struct File {
    /// Relative to the directory.
    let path: [UInt8]
    let size: Int64
}

/// An open directory.
private struct Folder: ~Copyable {
    typealias Failure = DirectoryDigest.Failure
    private static let flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC

    private let descriptor: Int32
    private let path: String
    private let depth: Int

    private init(descriptor: Int32, path: String, depth: Int) {
        self.descriptor = descriptor
        self.path = path
        self.depth = depth
    }

    static func open(_ path: String) throws(Failure) -> Folder {
        let descriptor = Foundation.open(path, flags | O_DIRECTORY)
        if descriptor < 0 { throw failure(errno, path) }
        return Folder(descriptor: descriptor, path: path, depth: 0)
    }

    private func open(_ name: [UInt8]) throws(Failure) -> Folder {
        if depth == DirectoryDigest.maximumDepth { throw .tooDeep(path: place(name)) }
        let opened = openat(descriptor, Self.cString(name), Self.flags | O_DIRECTORY)
        if opened < 0 { throw Self.failure(errno, place(name)) }
        return Folder(descriptor: opened, path: place(name), depth: depth + 1)
    }

    deinit { close(descriptor) }

    /// Adds the files in it and below it, in any order.
    func list(_ files: inout [File], _ isCancelled: () -> Bool, prefix: [UInt8] = []) throws(Failure) {
        for name in try names() {
            if isCancelled() { throw .cancelled }
            var status = stat()
            guard fstatat(descriptor, Self.cString(name), &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw Self.failure(errno, place(name))
            }
            switch status.st_mode & S_IFMT {
            case S_IFREG: files.append(File(path: prefix + name, size: Int64(status.st_size)))
            case S_IFDIR: try open(name).list(&files, isCancelled, prefix: prefix + name + [0x2F])
            default: throw .notPlain(path: place(name))
            }
        }
    }

    private func names() throws(Failure) -> [[UInt8]] {
        // The stream takes its descriptor along when it is closed.
        let copy = openat(descriptor, ".", Self.flags | O_DIRECTORY)
        guard copy >= 0, let stream = fdopendir(copy) else {
            let code = errno
            if copy >= 0 { close(copy) }
            throw Self.failure(code, path)
        }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw Self.failure(errno, path) }
                return names
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
        }
    }

    /// Hands the file's bytes on, a chunk at a time.
    func read(
        _ file: File, _ chunk: inout [UInt8], _ isCancelled: () -> Bool, _ body: (ArraySlice<UInt8>) -> Void
    ) throws(Failure) {
        let descriptor = try openFile(file.path[...])
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure(errno, place(file.path)) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .changed(path: place(file.path)) }
        var rest = file.size
        // One byte more than expected shows a file that has grown.
        while true {
            if isCancelled() { throw .cancelled }
            let wanted = Int(min(Int64(chunk.count), max(rest, 1)))
            let count = chunk.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, wanted) }
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw Self.failure(errno, place(file.path)) }
            if count == 0, rest == 0 { return }
            if count == 0 || rest == 0 { throw .changed(path: place(file.path)) }
            body(chunk[..<count])
            rest -= Int64(count)
        }
    }

    private func openFile(_ path: ArraySlice<UInt8>) throws(Failure) -> Int32 {
        if let slash = path.firstIndex(of: 0x2F) {
            return try open(Array(path[..<slash])).openFile(path[(slash + 1)...])
        }
        // Without waiting for the other end, should it be a pipe by now.
        let file = openat(descriptor, Self.cString(Array(path)), Self.flags | O_NONBLOCK)
        if file < 0 { throw Self.failure(errno, place(Array(path))) }
        return file
    }

    private func place(_ name: [UInt8]) -> String { "\(path)/\(String(decoding: name, as: UTF8.self))" }

    private static func cString(_ name: [UInt8]) -> [CChar] { name.map { CChar(bitPattern: $0) } + [0] }

    private static func failure(_ code: Int32, _ path: String) -> Failure {
        code == ELOOP ? .notPlain(path: path) : .system(path: path, code: code)
    }
}

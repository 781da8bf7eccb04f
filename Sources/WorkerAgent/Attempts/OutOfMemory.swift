// SPDX-License-Identifier: MIT

/// The traces an exhausted memory leaves.
enum OutOfMemory {
    private static let signs = [
        "CUDA out of memory", "torch.OutOfMemoryError", "torch.cuda.OutOfMemoryError", "MemoryError",
        "numpy._core._exceptions._ArrayMemoryError", "numpy.core._exceptions._ArrayMemoryError",
        "std::bad_alloc", "RESOURCE_EXHAUSTED: Out of memory", "DefaultCPUAllocator: can't allocate memory",
        "Cannot allocate memory", "java.lang.OutOfMemoryError",
    ]

    /// What the last lines of a failed script's output say about it; nil when they speak of something else.
    static func sign(in tail: String) -> String? {
        let lines = tail.split(separator: "\n").suffix(5)
        return signs.first { sign in
            // An exception's name begins its line; a library's words may stand within one.
            lines.contains { sign.contains(" ") || sign.contains("::") ? $0.contains(sign) : $0.hasPrefix(sign) }
        }
    }

    /// Whether the kernel's log says that it killed the process for want of memory; nil when it may not be read.
    static func kernelKilled(_ processID: Int32) -> Bool? {
        guard let lines = KernelLog.lines() else { return nil }
        return lines.suffix(2000).contains { $0.contains("Killed process \(processID) ") }
    }
}

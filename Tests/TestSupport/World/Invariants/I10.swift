// SPDX-License-Identifier: MIT

/// The events that a worker has under way are within the window.
enum I10 {
    static func check(_ worker: SimulatedWorker) -> String? {
        let (under, window) = (worker.sending.outstanding, Int64(worker.sending.window))
        return under > window ? "\(worker.name) has \(under) events under way, and the window is \(window)" : nil
    }
}

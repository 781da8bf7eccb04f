// SPDX-License-Identifier: MIT

/// Which checkpoints are kept, and where they lie: `checkpoints` of the sweep file. A sweep that declares it says that
/// its script goes on from checkpoints.
package struct CheckpointPolicy: Hashable, Sendable {
    package enum Keep: String, CaseIterable, Sendable {
        case last
        /// The latest, and the one at or after the trial's best value.
        case bestAndLast = "best+last"
        case all
    }

    package var keep: Keep
    /// Bytes of all checkpoints of the sweep together; nil: no limit. Nothing that is a trial's only checkpoint is
    /// deleted for it.
    package var total: Int64?
    /// Where workers write them: an absolute path that all of them reach, or a URI; nil: beside the trial's other files.
    package var path: String?

    package init(keep: Keep = .bestAndLast, total: Int64? = nil, path: String? = nil) {
        self.keep = keep
        self.total = total
        self.path = path
    }
}

// SPDX-License-Identifier: MIT

import RealModule

/// A mixture's kernels on one axis. Kernels that are alike share a slot, so what a place's density is under each needs
/// to be found once a slot; slot 0 is the prior, which also stands for every observation without a value here.
struct ParzenKernels: Sendable {
    enum Shapes: Sendable {
        /// One a slot; truncated normals of the coordinate.
        case normal([TruncatedNormal])
        /// Slot s is a kernel at the category `categories[s]`; that of slot 0 means nothing.
        case categories([Int])
    }

    let kind: ParzenAxis.Kind
    let shapes: Shapes
    /// One a mixture's kernel; the last is the prior's.
    let slots: [Int]
    /// Kernels that have a value here, and the prior.
    let count: Int

    /// - Parameter places: of the observations, nil where the axis was inactive or the value is not known any more.
    init(_ kind: ParzenAxis.Kind, places: [Double?]) {
        self.kind = kind
        count = places.count { $0 != nil } + 1
        switch kind {
        case .continuous:
            (shapes, slots) = Self.normals(coordinates: places)
        case .grid(let positions, _):
            (shapes, slots) = Self.normals(coordinates: places.map { $0.map { positions[Int($0)] } })
        case .categories(let prior):
            var (slotOf, categories) = ([Int](repeating: 0, count: prior.count), [0])
            slots =
                places.map { place in
                    guard let category = place.map({ Int($0) }) else { return 0 }
                    if slotOf[category] == 0 {
                        slotOf[category] = categories.count
                        categories.append(category)
                    }
                    return slotOf[category]
                } + [0]
            shapes = .categories(categories)
        }
    }

    private static func normals(coordinates: [Double?]) -> (Shapes, [Int]) {
        var normals = [TruncatedNormal(mean: 0.5, deviation: 1)]
        var slots = [Int](repeating: 0, count: coordinates.count + 1)
        var last: (mean: Double, deviation: Double)?
        // In ascending order, so that those that are alike follow each other.
        for bandwidth in bandwidths(coordinates) {
            if last?.mean != bandwidth.mean || last?.deviation != bandwidth.deviation {
                normals.append(TruncatedNormal(mean: bandwidth.mean, deviation: bandwidth.deviation))
                last = (bandwidth.mean, bandwidth.deviation)
            }
            slots[bandwidth.observation] = normals.count - 1
        }
        return (.normal(normals), slots)
    }
}

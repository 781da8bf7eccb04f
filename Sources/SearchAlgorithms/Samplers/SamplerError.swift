// SPDX-License-Identifier: MIT

/// Why a method cannot search a space. Each description says what to write instead.
package enum SamplerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A grid needs finitely many values of the parameter.
    case endless(parameter: String)
    /// W&B's grid has no place for this parameter.
    case foreignToWandbOrder(parameter: String)
    /// `sizes` are the parameters' numbers of values.
    case gridTooLarge(sizes: [GridSize], limit: Int)
    /// Conditions split the grid into too many different shapes.
    case gridTooBranched(limit: Int)
    case tooManyDimensions(count: Int, limit: Int)

    package struct GridSize: Hashable, Sendable {
        package let parameter: String
        package let count: UInt64
    }

    package var description: String {
        switch self {
        case .endless(let parameter):
            return
                "a grid cannot hold \"\(parameter)\", which has endlessly many values: give it `values`, integer "
                + "bounds, or bounds with a `step`, or choose `method: random` or `sobol`"
        case .foreignToWandbOrder(let parameter):
            return "W&B's grid cannot hold \"\(parameter)\": it takes constants, `values` without probabilities, "
                + "integer bounds and q_uniform; leave out `order: wandb`, or give \"\(parameter)\" `values`"
        case .gridTooLarge(let sizes, let limit):
            let product = sizes.filter { $0.count > 1 }.map { "\($0.parameter): \($0.count)" }.joined(separator: ", ")
            return "the grid has more than \(limit) cells (\(product)): use larger steps or fewer values, "
                + "or choose `method: random` or `sobol`"
        case .gridTooBranched(let limit):
            return "the conditions split the grid into more than \(limit) shapes: use fewer conditions, "
                + "or choose `method: random` or `sobol`"
        case .tooManyDimensions(let count, let limit):
            return "the space has \(count) parameters and Sobol's sequence \(limit) dimensions: choose `method: random`"
        }
    }
}

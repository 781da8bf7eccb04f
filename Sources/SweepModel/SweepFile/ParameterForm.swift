// SPDX-License-Identifier: MIT

/// The words of `distribution` and the keys each takes: W&B's forms, and sweepd's `step`, `log` and `ordinal`.
enum ParameterForm: String, CaseIterable, Sendable {
    case constant
    case categorical
    case categoricalWithProbabilities = "categorical_w_probabilities"
    case integerUniform = "int_uniform"
    case uniform
    case quantizedUniform = "q_uniform"
    case logUniform = "log_uniform"
    case logUniformValues = "log_uniform_values"
    case quantizedLogUniform = "q_log_uniform"
    case quantizedLogUniformValues = "q_log_uniform_values"
    case inverseLogUniform = "inv_log_uniform"
    case inverseLogUniformValues = "inv_log_uniform_values"
    case normal
    case quantizedNormal = "q_normal"
    case logNormal = "log_normal"
    case quantizedLogNormal = "q_log_normal"
    case beta
    case quantizedBeta = "q_beta"

    /// Keys of every form.
    static let commonKeys = ["distribution", "when"]

    /// Every key that some form takes.
    static let allKeys =
        commonKeys + [
            "value", "values", "probabilities", "ordinal", "min", "max", "q", "step", "log", "mu", "sigma", "a", "b",
            "parameters",
        ]

    var requiredKeys: [String] {
        switch self {
        case .constant: ["value"]
        case .categorical: ["values"]
        case .categoricalWithProbabilities: ["values", "probabilities"]
        case .integerUniform, .uniform, .quantizedUniform, .logUniform, .logUniformValues, .quantizedLogUniform,
            .quantizedLogUniformValues, .inverseLogUniform, .inverseLogUniformValues:
            ["min", "max"]
        case .normal, .quantizedNormal, .logNormal, .quantizedLogNormal, .beta, .quantizedBeta: []
        }
    }

    var optionalKeys: [String] {
        switch self {
        case .constant, .logUniform, .inverseLogUniform, .inverseLogUniformValues: []
        case .categorical: ["probabilities", "ordinal"]
        case .categoricalWithProbabilities: ["ordinal"]
        case .integerUniform, .uniform: ["step", "log"]
        case .logUniformValues: ["step"]
        case .quantizedUniform, .quantizedLogUniform, .quantizedLogUniformValues: ["q"]
        case .normal, .logNormal: ["mu", "sigma"]
        case .quantizedNormal, .quantizedLogNormal: ["mu", "sigma", "q"]
        case .beta: ["a", "b"]
        case .quantizedBeta: ["a", "b", "q"]
        }
    }

    var isQuantized: Bool { optionalKeys.contains("q") }
}

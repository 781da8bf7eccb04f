# SPDX-License-Identifier: MIT
"""Writes Fixtures.swift: python3 fixtures.py > Fixtures.swift (needs mpmath, numpy, scipy, scikit-learn)."""

import numpy as np
from mpmath import erfc, exp, log, mp, mpf, pi, sqrt
from scipy.optimize import minimize, rosen, rosen_der
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel


def numbers(values, indent=8):
    """Numbers as lines of Swift literals."""
    lines, line = [], ""
    for value in values:
        text = repr(float(value)) + ","
        if len(line) + len(text) + 1 > 110 - indent:
            lines.append(line)
            line = ""
        line = f"{line} {text}" if line else text
    lines.append(line)
    return "\n".join(" " * indent + line for line in lines)


def log_h():
    print("/// u, ln h(u) and (ln h)'(u) for h = φ + uΦ, in arithmetic of 60 digits.")
    print("let logExpectedImprovementFixture: [(u: Double, value: Double, derivative: Double)] = [")
    points = [40, 8, 5, 4.3, 3, 2, 1, 0.5, 0, -0.5, -0.999, -1, -1.001, -1.5, -2]
    points += [-2 - 1.1 * k for k in range(1, 64)] + [-34.999, -35.001, -100, -250]
    for u in sorted({float(p) for p in points}, reverse=True):
        exact = mpf(u)
        mp.dps = 60
        density = exp(-exact * exact / 2) / sqrt(2 * pi)
        cumulative = erfc(-exact / sqrt(mpf(2))) / 2
        h = density + exact * cumulative
        print(f"    ({u!r}, {float(log(h))!r}, {float(cumulative / h)!r}),")
    print("]")
    print()


def log_distribution():
    print("/// u, ln Φ(u) and φ/Φ.")
    print("let logDistributionFixture: [(u: Double, value: Double, derivative: Double)] = [")
    for u in (6, 3, 1, 0.1, 0, -0.3, -0.999, -1.001, -3, -8, -20, -34.9, -35.1, -60, -150):
        exact = mpf(float(u))
        mp.dps = 60
        cumulative = erfc(-exact / sqrt(mpf(2))) / 2
        ratio = exp(-exact * exact / 2) / sqrt(2 * pi) / cumulative
        print(f"    ({float(u)!r}, {float(log(cumulative))!r}, {float(ratio)!r}),")
    print("]")
    print()


def regressor():
    """scikit-learn's posterior; the noise belongs to the values, not to the function."""
    draws = np.random.default_rng(20240917)
    points, queries = draws.random((25, 4)), draws.random((12, 4))
    queries[0], queries[1] = points[3], points[3] + 1e-3
    values = np.sin(5 * points[:, 0]) + points[:, 1] ** 2 - points[:, 2] * points[:, 3] + 0.1 * draws.normal(size=25)
    scales, signal, noise = [0.3, 0.8, 1.7, 0.5], 1.4, 0.02
    kernel = ConstantKernel(signal) * Matern(scales, nu=2.5) + WhiteKernel(noise)
    model = GaussianProcessRegressor(kernel, alpha=0, optimizer=None, normalize_y=False).fit(points, values)
    means, deviations = model.predict(queries, return_std=True)
    _, gradient = model.log_marginal_likelihood(model.kernel_.theta, eval_gradient=True)
    print("/// scikit-learn's GaussianProcessRegressor at given hyperparameters.")
    print("enum ScikitLearnFixture {")
    for name, array in (("points", points), ("values", values), ("queries", queries), ("means", means),
                        ("variances", deviations**2 - noise), ("lengthScales", scales)):
        print(f"    static let {name}: [Double] = [\n{numbers(np.ravel(array))}\n    ]")
    print(f"    static let (signalVariance, noiseVariance) = ({signal!r}, {noise!r})")
    print(f"    static let logMarginalLikelihood = {float(model.log_marginal_likelihood_value_)!r}")
    print("    /// For ln σ_f², ln ℓ, ln σₙ².")
    print(f"    static let gradient: [Double] = [\n{numbers(gradient)}\n    ]")
    print("}")
    print()


def quadratic(x):
    """Condition number 10^4, with neighbours coupled."""
    scale = 10 ** (4 * np.arange(len(x)) / (len(x) - 1))
    centre = np.cos(np.arange(len(x)))
    offset = x - centre
    coupling = offset[:-1] * offset[1:]
    gradient = scale * offset
    gradient[:-1] += 0.5 * offset[1:]
    gradient[1:] += 0.5 * offset[:-1]
    return 0.5 * (scale * offset**2).sum() + 0.5 * coupling.sum(), gradient


def beale(x):
    a, b = x
    terms = [(c - a + a * b**k, b**k - 1, k * a * b ** (k - 1)) for k, c in ((1, 1.5), (2, 2.25), (3, 2.625))]
    return sum(t * t for t, _, _ in terms), np.array([sum(2 * t * p for t, p, _ in terms),
                                                      sum(2 * t * q for t, _, q in terms)])


def rosenbrock(x):
    return rosen(x), rosen_der(x)


def searches():
    print("/// Minima that scipy's L-BFGS-B finds, and how many evaluations it needs.")
    print("struct SearchFixture: Sendable {")
    print("    let name: String\n    let lower: Double\n    let upper: Double\n    let start: [Double]")
    print("    let minimum: Double\n    let point: [Double]\n    let evaluations: Int\n}")
    print("let searchFixture: [SearchFixture] = [")
    cases = [(rosenbrock, d, low, high) for d in (2, 5, 12) for low, high in ((-2, 2), (-2, 0.5), (-0.9, 0.9))]
    cases += [(quadratic, d, low, high) for d in (3, 10, 30) for low, high in ((-5, 5), (-0.2, 0.3), (0.1, 2))]
    cases += [(beale, 2, low, high) for low, high in ((-4.5, 4.5), (-1, 1), (0, 2.5))]
    for function, d, low, high in cases:
        start = np.clip(np.where(np.arange(d) % 2, 1.0, -1.2) if function is not beale else [0.5, -0.5], low, high)
        result = minimize(function, start, jac=True, method="L-BFGS-B", bounds=[(low, high)] * d,
                          options={"gtol": 1e-7, "ftol": 1e-15, "maxiter": 2000, "maxfun": 20000})
        print(f"    SearchFixture(\n        name: \"{function.__name__}\", lower: {low}, upper: {high},")
        print(f"        start: [\n{numbers(start, 12)}\n        ],\n        minimum: {float(result.fun)!r},")
        print(f"        point: [\n{numbers(result.x, 12)}\n        ], evaluations: {result.nfev}),")
    print("]")


print("// SPDX-License-Identifier: MIT")
print("// Generated by fixtures.py with mpmath, scikit-learn and scipy.")
print()
log_h()
log_distribution()
regressor()
searches()

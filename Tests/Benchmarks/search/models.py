# SPDX-License-Identifier: MIT
"""Real models on scikit-learn's bundled data. The seed makes the split or the training seed, as users meet it."""
from __future__ import annotations

import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from spaces import choice, integer, real


class Model:
    """A problem whose optimum nobody knows: the best value seen in all runs of the same seed stands for it."""

    family = "models"
    optimum = None
    noise = 0.0
    version = 1
    seeded_optimum = True

    def truth(self, params: dict) -> float | None:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                value = self.score(params)
            except (ValueError, FloatingPointError, OverflowError):
                # scikit-learn raises where weights or predictions are not finite: the run of a user would have failed.
                return None
        return float(value) if np.isfinite(value) else None

    def score(self, params: dict) -> float:
        raise NotImplementedError


def digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    data, target = load_digits(return_X_y=True)
    kept = np.random.default_rng(seed).permutation(len(target))[:count]
    return data[kept] / 16, target[kept]


def diabetes_halves(seed: int) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    x, y = load_diabetes(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.5, random_state=seed)
    return (train_x, train_y), (test_x, test_y)


def rmse(model: object, x: np.ndarray, y: np.ndarray) -> float:
    return np.sqrt(((model.predict(x) - y) ** 2).mean())


class SvrDiabetes(Model):
    """Root mean squared error of a support vector machine on a held-out half: kernels with parameters of their own."""

    space = [real("C", 1e-2, 1e4, log=True), real("epsilon", 1e-2, 1e2, log=True),
             choice("kernel", ["linear", "rbf", "poly", "sigmoid"]),
             real("gamma", 1e-4, 1.0, log=True, when=("kernel", ["rbf", "poly", "sigmoid"])),
             integer("degree", 2, 5, when=("kernel", ["poly"])),
             real("coef0", 0.0, 2.0, when=("kernel", ["poly", "sigmoid"]))]

    def __init__(self, rng: np.random.Generator) -> None:
        self.train, self.test = diabetes_halves(int(rng.integers(2**31)))
        scaler = StandardScaler().fit(self.train[0])
        self.train, self.test = ((scaler.transform(x), y) for x, y in (self.train, self.test))

    def score(self, params: dict) -> float:
        # The limit keeps a hopeless configuration from taking a second; its model is judged as it is.
        model = SVR(max_iter=4000, **params).fit(*self.train)
        return rmse(model, *self.test)


class BoostingDiabetes(Model):
    """Root mean squared error of gradient boosting on a held-out half: four integers and two fractions."""

    space = [integer("n_estimators", 5, 50, log=True), real("learning_rate", 0.01, 1.0, log=True),
             integer("max_depth", 1, 8), integer("min_samples_leaf", 1, 64, log=True), real("subsample", 0.3, 1.0),
             integer("max_features", 1, 10)]

    def __init__(self, rng: np.random.Generator) -> None:
        self.seed = int(rng.integers(2**31))
        self.train, self.test = diabetes_halves(self.seed)

    def score(self, params: dict) -> float:
        return rmse(GradientBoostingRegressor(random_state=self.seed, **params).fit(*self.train), *self.test)


class MlpDigits(Model):
    """Validation log loss of a small network after a few epochs: some step sizes do not learn, some diverge."""

    space = [integer("hidden", 4, 64, log=True), choice("activation", ["relu", "tanh", "logistic"]),
             choice("solver", ["adam", "sgd"]), real("lr", 1e-4, 1.0, log=True),
             real("momentum", 0.0, 0.99, when=("solver", ["sgd"])), real("alpha", 1e-6, 1.0, log=True),
             integer("batch", 16, 128, log=True)]

    def __init__(self, rng: np.random.Generator) -> None:
        self.seed = int(rng.integers(2**31))
        self.x, self.y = digits(600, self.seed)

    def score(self, params: dict) -> float:
        model = MLPClassifier(
            (params["hidden"],), activation=params["activation"], solver=params["solver"],
            learning_rate_init=params["lr"], momentum=params.get("momentum", 0.9), alpha=params["alpha"],
            batch_size=params["batch"], max_iter=8, random_state=self.seed)
        model.fit(self.x[:300], self.y[:300])
        return log_loss(self.y[300:], model.predict_proba(self.x[300:]), labels=range(10))


class SgdCancer(Model):
    """Log loss of a linear classifier, threefold, with an elastic net and a choice of step size schedules."""

    space = [real("alpha", 1e-7, 1.0, log=True), real("l1_ratio", 0.0, 1.0),
             choice("learning_rate", ["optimal", "constant", "invscaling", "adaptive"]),
             real("eta0", 1e-5, 1.0, log=True, when=("learning_rate", ["constant", "invscaling", "adaptive"])),
             real("power_t", 0.1, 1.0, when=("learning_rate", ["invscaling"])), choice("average", [False, True]),
             integer("epochs", 2, 20, log=True)]

    def __init__(self, rng: np.random.Generator) -> None:
        self.seed = int(rng.integers(2**31))
        x, self.y = load_breast_cancer(return_X_y=True)
        self.x = StandardScaler().fit_transform(x)
        self.splits = list(StratifiedKFold(3, shuffle=True, random_state=self.seed).split(self.x, self.y))

    def score(self, params: dict) -> float:
        loss = 0.0
        settings = {name: value for name, value in params.items() if name != "epochs"}
        for train, test in self.splits:
            model = SGDClassifier(loss="log_loss", penalty="elasticnet", max_iter=params["epochs"], tol=None,
                                  random_state=self.seed, **settings)
            model.fit(self.x[train], self.y[train])
            loss += log_loss(self.y[test], model.predict_proba(self.x[test]), labels=[0, 1])
        return loss / len(self.splits)


MODELS = {"svr_diabetes": SvrDiabetes, "boosting_diabetes": BoostingDiabetes, "mlp_digits": MlpDigits,
          "sgd_cancer": SgdCancer}

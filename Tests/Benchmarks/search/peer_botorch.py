# SPDX-License-Identifier: MIT
"""BoTorch as its tutorials use it: Sobol design, GP with default priors, qLogNoisyExpectedImprovement."""
from __future__ import annotations

import math
import warnings
from functools import partial

import botorch
import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.models.transforms.input import NumericToCategoricalEncoding
from botorch.optim import optimize_acqf, optimize_acqf_mixed_alternating
from botorch.sampling.normal import SobolQMCNormalSampler
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch.nn.functional import one_hot

from spaces import active, from_unit, levels, to_unit

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
RESTARTS, RAW_SAMPLES, MC_SAMPLES = 10, 512, 128
# Without noise the last digits of the fit take most of its time.
FIT_OPTIONS = {"maxiter": 100}
OPTIONS = {"batch_limit": RESTARTS, "init_batch_limit": RAW_SAMPLES, "maxiter": 200}
MIXED_OPTIONS = {"batch_limit": RESTARTS, "init_batch_limit": RAW_SAMPLES}


class BoTorch:
    """Numbers are scaled to [0, 1], integers restricted to their values there; categories are numbered."""

    def __init__(self, space: list[dict], seed: int) -> None:
        torch.manual_seed(seed)
        self.space, self.seed, self.asked = space, seed, 0
        self.categories = {i: list(range(len(entry["choices"]))) for i, entry in enumerate(space)
                           if entry["type"] == "categorical"}
        self.integers = {i: [to_unit(entry, value) for value in levels(entry)] for i, entry in enumerate(space)
                         if entry["type"] == "int"}
        upper = [float(len(entry["choices"]) - 1) if entry["type"] == "categorical" else 1.0 for entry in space]
        self.bounds = torch.tensor([[0.0] * len(space), upper], dtype=torch.double)
        self.sobol = torch.quasirandom.SobolEngine(len(space), scramble=True, seed=seed)
        self.design = max(5, len(space) + 1)
        self.pending: dict[int, torch.Tensor] = {}
        self.told: list[tuple[torch.Tensor, float | None]] = []

    @staticmethod
    def versions() -> dict:
        import gpytorch
        return {"botorch": botorch.__version__, "gpytorch": gpytorch.__version__, "torch": torch.__version__}

    def ask(self, trial: int) -> dict:
        values = {value for _, value in self.told if value is not None}
        # As Ax does: the model takes over when the design is given out and half of it is back.
        if self.asked < self.design or len(self.told) < self.design / 2 or len(values) < 2:
            point = self.from_design()
        else:
            point = self.from_model()
        self.asked += 1
        self.pending[trial] = point
        return self.decode(point)

    def tell(self, trial: int, value: float | None) -> None:
        self.told.append((self.pending.pop(trial), value))

    def from_design(self) -> torch.Tensor:
        unit = self.sobol.draw(1, dtype=torch.double)[0]
        for i, entry in enumerate(self.space):
            if i in self.categories:
                unit[i] = min(math.floor(unit[i] * len(entry["choices"])), len(entry["choices"]) - 1)
            elif i in self.integers:
                unit[i] = to_unit(entry, from_unit(entry, float(unit[i])))
        return unit

    def from_model(self) -> torch.Tensor:
        worst = max(value for _, value in self.told if value is not None)
        x = torch.stack([point for point, _ in self.told])
        y = torch.tensor([[-(worst if value is None else value)] for _, value in self.told], dtype=torch.double)
        model = SingleTaskGP(x, y, input_transform=self.one_hot())
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model), optimizer_kwargs={"options": FIT_OPTIONS})
        acquisition = qLogNoisyExpectedImprovement(
            model, x, sampler=SobolQMCNormalSampler(torch.Size([MC_SAMPLES]), seed=self.seed + self.asked),
            X_pending=torch.stack(list(self.pending.values())) if self.pending else None)
        if self.categories or self.integers:
            found, _ = optimize_acqf_mixed_alternating(
                acquisition, self.bounds, discrete_dims=self.integers, cat_dims=self.categories, q=1,
                num_restarts=RESTARTS, raw_samples=RAW_SAMPLES, options=MIXED_OPTIONS)
        else:
            found, _ = optimize_acqf(acquisition, self.bounds, q=1, num_restarts=RESTARTS, raw_samples=RAW_SAMPLES,
                                     options=OPTIONS)
        return found[0].detach()

    def one_hot(self) -> NumericToCategoricalEncoding | None:
        """The model sees categories one-hot encoded, each with a length scale of its own."""
        if not self.categories:
            return None
        sizes = {i: len(values) for i, values in self.categories.items()}
        encoders = {i: partial(one_hot, num_classes=size) for i, size in sizes.items()}
        return NumericToCategoricalEncoding(len(self.space), sizes, encoders)

    def decode(self, point: torch.Tensor) -> dict:
        flat = {}
        for i, entry in enumerate(self.space):
            if i in self.categories:
                flat[entry["name"]] = entry["choices"][round(float(point[i]))]
            else:
                flat[entry["name"]] = from_unit(entry, float(point[i]))
        return active(self.space, flat)

# SPDX-License-Identifier: MIT
"""A small neural network on scikit-learn's handwritten digits: 1,797 pictures of 8 x 8 grey values.

One hidden layer, softmax, minibatch gradient descent with Nesterov's momentum, in numpy. Everything random follows from
the trial's seed, and a checkpoint holds all that training depends on: a trial that is interrupted and resumed has the
same curve as one that was left alone.
"""

from __future__ import annotations

import os

# Before numpy is loaded: the sweep uses the cores by running trials side by side.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import json
from pathlib import Path

import numpy as np
import sweepd
from sklearn.datasets import load_digits

MOMENTUM = 0.9
CHECKPOINT_EVERY = 5
# The split is the same in all trials: they are compared on it.
SPLIT_SEED, VALIDATION_SHARE = 0, 0.25
DEFAULTS = {
    "lr": 0.05, "units": 64, "batch_size": 32, "weight_decay": 1e-4, "activation": "relu", "epochs": 20,
}  # fmt: skip


def load_split() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return training pictures and labels, and those to validate on."""
    digits = load_digits()
    pictures, labels = digits.data / 16.0, digits.target
    order = np.random.default_rng(SPLIT_SEED).permutation(len(labels))
    cut = int(len(order) * VALIDATION_SHARE)
    validation, training = order[:cut], order[cut:]
    shifted, repeated = with_shifts(pictures[training], labels[training])
    return shifted, repeated, pictures[validation], labels[validation]


def with_shifts(pictures: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pictures, and copies shifted by one pixel in each direction: a digit is the same one pixel on."""
    padded = np.pad(pictures.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    places = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    copies = [padded[:, row : row + 8, column : column + 8].reshape(-1, 64) for row, column in places]
    return np.concatenate(copies), np.tile(labels, len(places))


class Network:
    """One hidden layer and the momentum of its weights."""

    def __init__(self, units: int, activation: str, generator: np.random.Generator) -> None:
        """Draw the weights: He's scale for relu, Glorot's for tanh."""
        if activation not in ("relu", "tanh"):
            raise ValueError(f"activation must be relu or tanh, not {activation!r}")
        self.activation = activation
        gain = 2.0 if activation == "relu" else 1.0
        self.weights = {
            "w1": generator.normal(0, np.sqrt(gain / 64), (64, units)),
            "b1": np.zeros(units),
            "w2": generator.normal(0, np.sqrt(1 / units), (units, 10)),
            "b2": np.zeros(10),
        }
        self.velocity = {name: np.zeros_like(value) for name, value in self.weights.items()}

    def forward(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the hidden values and the logarithms of the classes' probabilities."""
        hidden = pictures @ self.weights["w1"] + self.weights["b1"]
        hidden = np.maximum(hidden, 0) if self.activation == "relu" else np.tanh(hidden)
        scores = hidden @ self.weights["w2"] + self.weights["b2"]
        scores = scores - scores.max(axis=1, keepdims=True)
        return hidden, scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))

    def learn(self, pictures: np.ndarray, labels: np.ndarray, lr: float, weight_decay: float) -> float:
        """Take one step; return the batch's mean loss before it."""
        hidden, logs = self.forward(pictures)
        rows = np.arange(len(labels))
        error = np.exp(logs)
        error[rows, labels] -= 1
        error /= len(labels)
        back = error @ self.weights["w2"].T
        back *= (hidden > 0) if self.activation == "relu" else 1 - hidden * hidden
        gradients = {
            "w1": pictures.T @ back + weight_decay * self.weights["w1"],
            "b1": back.sum(axis=0),
            "w2": hidden.T @ error + weight_decay * self.weights["w2"],
            "b2": error.sum(axis=0),
        }
        for name, gradient in gradients.items():
            velocity = self.velocity[name]
            velocity *= MOMENTUM
            velocity -= lr * gradient
            self.weights[name] += MOMENTUM * velocity - lr * gradient
        return float(-logs[rows, labels].mean())

    def judge(self, pictures: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
        """Return mean loss and accuracy."""
        _, logs = self.forward(pictures)
        loss = -logs[np.arange(len(labels)), labels].mean()
        return float(loss), float((logs.argmax(axis=1) == labels).mean())


def save(directory: Path, network: Network, generator: np.random.Generator) -> None:
    """Write weights, momentum and the random generator's state."""
    arrays = {f"weights_{name}": value for name, value in network.weights.items()}
    arrays.update({f"velocity_{name}": value for name, value in network.velocity.items()})
    np.savez(directory / "network.npz", **arrays)
    (directory / "random.json").write_text(json.dumps(generator.bit_generator.state))


def restore(directory: Path, network: Network, generator: np.random.Generator) -> None:
    """Read what `save` wrote."""
    with np.load(directory / "network.npz", allow_pickle=False) as arrays:
        for name in network.weights:
            network.weights[name] = arrays[f"weights_{name}"]
            network.velocity[name] = arrays[f"velocity_{name}"]
    generator.bit_generator.state = json.loads((directory / "random.json").read_text())


def main() -> None:
    """Run one trial."""
    with sweepd.trial(defaults=DEFAULTS) as trial:
        params = trial.params
        pictures, labels, validation_pictures, validation_labels = load_split()
        generator = np.random.default_rng(trial.seed)
        network = Network(int(params.units), params.activation, generator)
        if trial.checkpoint:
            restore(trial.checkpoint, network, generator)
        batch, epochs = int(params.batch_size), trial.max_step or int(params.epochs)
        # A learning rate that is too high ends as NaN, which is a result and no reason to warn.
        with np.errstate(all="ignore"):
            for epoch in range(trial.resume_step, epochs):
                order = generator.permutation(len(labels))
                losses = [
                    network.learn(pictures[rows], labels[rows], params.lr, params.weight_decay) * len(rows)
                    for rows in np.split(order, range(batch, len(order), batch))
                ]
                val_loss, val_accuracy = network.judge(validation_pictures, validation_labels)
                train_loss = sum(losses) / len(order)
                trial.report(epoch + 1, train_loss=train_loss, val_loss=val_loss, val_accuracy=val_accuracy)
                if trial.should_checkpoint() or (epoch + 1) % CHECKPOINT_EVERY == 0:
                    with trial.new_checkpoint(epoch + 1) as directory:
                        save(directory, network, generator)


if __name__ == "__main__":
    main()

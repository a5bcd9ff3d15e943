"""Autoencoders, run as `python -m benchmarks.peers.vae.worker FOLDER MODEL` in an environment that has torch.

How many epochs: a tenth of the training people is held back, 80% of what each has is shown, and the model is kept
whose NDCG@100 on the rest is best, as both papers do. Those who are asked about in the benchmark have no part in it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from benchmarks.peers.vae.models import MultVae, RecVae
from scipy import sparse
from torch import Tensor, nn

from benchmarks.recommender import jobs

HELD_BACK = 0.1
FOLDED_IN = 0.8
LIKED_FROM = 0.8
"""The worth of 4 stars."""
PATIENCE = 8
"""After so many epochs without a better one there is no waiting for more."""
ENCODER_EPOCHS = 3
"""Of RecVAE's encoder, to one of its decoder."""

Epoch = Callable[[int], None]
"""Trains for one epoch; is told which, from 0."""


def mult_vae(
    train: sparse.csr_matrix,
    shown: sparse.csr_matrix,
    *,
    hidden: int,
    latent: int,
    beta: float,
    rate: float,
    batch: int,
    epochs: int,
) -> np.ndarray:
    def begin(people: Tensor) -> tuple[nn.Module, Epoch]:
        model = MultVae(train.shape[1], hidden, latent)
        optimiser = torch.optim.Adam(model.parameters(), lr=rate, fused=True)

        def epoch(number: int) -> None:
            for x in _batches(people, batch):
                _step(optimiser, model.loss(x, beta * min(1.0, (number + 1) / (epochs / 2))))

        return model, epoch

    return _fitted(begin, train, shown, epochs)


def rec_vae(
    train: sparse.csr_matrix,
    shown: sparse.csr_matrix,
    *,
    hidden: int,
    latent: int,
    gamma: float,
    rate: float,
    batch: int,
    epochs: int,
) -> np.ndarray:
    def begin(people: Tensor) -> tuple[nn.Module, Epoch]:
        model = RecVae(train.shape[1], hidden, latent)
        of_encoder = torch.optim.Adam(model.encoder.parameters(), lr=rate, fused=True)
        of_decoder = torch.optim.Adam(model.decoder.parameters(), lr=rate, fused=True)

        def epoch(_: int) -> None:
            for _ in range(ENCODER_EPOCHS):
                for x in _batches(people, batch):
                    _step(of_encoder, model.encoder_loss(x, gamma))
            model.remember()
            for x in _batches(people, batch):
                _step(of_decoder, model.decoder_loss(x))

        return model, epoch

    return _fitted(begin, train, shown, epochs)


def _fitted(
    begin: Callable[[Tensor], tuple[nn.Module, Epoch]],
    train: sparse.csr_matrix,
    shown: sparse.csr_matrix,
    epochs: int,
) -> np.ndarray:
    torch.manual_seed(0)
    everybody = torch.from_numpy(train.toarray())
    held_back = _HeldBack.of(everybody)
    model, epoch = begin(everybody[held_back.others])
    best, best_number, kept = -1.0, 0, copy.deepcopy(model)
    for number in range(epochs):
        model.train()
        epoch(number)
        figure = held_back.ndcg(model)
        if figure > best:
            best, best_number, kept = figure, number, copy.deepcopy(model)
        elif number - best_number >= PATIENCE:
            break
    with torch.no_grad():
        return kept.eval()(torch.from_numpy(shown.toarray())).numpy()


@dataclass(frozen=True)
class _HeldBack:
    """Some training people, of whom a part is shown and the rest is to be found."""

    others: Tensor
    shown: Tensor
    sought: Tensor

    @classmethod
    def of(cls, everybody: Tensor) -> _HeldBack:
        order = torch.randperm(len(everybody))
        cut = max(round(len(everybody) * HELD_BACK), 1)
        rows = everybody[order[:cut]]
        is_shown = torch.rand_like(rows) < FOLDED_IN
        return cls(order[cut:], rows * is_shown, (rows >= LIKED_FROM) & ~is_shown)

    def ndcg(self, model: nn.Module, depth: int = 100) -> float:
        model.eval()
        with torch.no_grad():
            scores = model(self.shown).masked_fill(self.shown > 0, -torch.inf)
        depth = min(depth, scores.shape[1])
        hits = self.sought.gather(1, scores.topk(depth).indices).float()
        discounts = 1 / torch.log2(torch.arange(2, depth + 2))
        ideal = discounts.cumsum(0)[self.sought.sum(dim=1).clamp(1, depth) - 1]
        return float(((hits * discounts).sum(dim=1) / ideal)[self.sought.any(dim=1)].mean().nan_to_num(0.0))


def _batches(people: Tensor, size: int) -> list[Tensor]:
    return [people[rows] for rows in torch.randperm(len(people)).split(size)]


def _step(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


if __name__ == "__main__":
    torch.set_flush_denormal(True)  # moments of what a batch does not have decay to figures that cost a hundredfold
    jobs.serve({"mult-vae": mult_vae, "rec-vae": rec_vae})

"""Two variational autoencoders for ratings, written after their papers.

x is a person's row of worths. Both encode x / ||x||, some of it dropped out, to the mean and the variance of a z, and
maximise the multinomial log-likelihood of x that is decoded from z, less a weight times the divergence of q(z | x) from
a prior. At the end z is its mean.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

INPUT_DROPOUT = 0.5
PRIOR_WEIGHTS = (3 / 20, 3 / 4, 1 / 10)
"""Of RecVAE's prior: the standard normal, the posterior of one round ago, and a wide normal."""
WIDE_LOG_VARIANCE = 10.0


class MultVae(nn.Module):
    """Liang et al. 2018, arXiv:1802.05814: one hidden layer on either side, and a weight that grows to its cap."""

    def __init__(self, n_items: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(SparseLinear(n_items, hidden), nn.Tanh(), nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.Tanh(), nn.Linear(hidden, n_items))
        for layer in (*self.encoder, *self.decoder):
            if isinstance(layer, nn.Linear | SparseLinear):
                nn.init.xavier_normal_(layer.weight)
                nn.init.trunc_normal_(layer.bias, std=0.001)

    def loss(self, x: Tensor, beta: float) -> Tensor:
        mean, log_variance = self.encoder(_dropped(x)).chunk(2, dim=1)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)
        return (beta * divergence - _log_likelihood(x, self.decoder(_sampled(mean, log_variance)))).mean()

    def forward(self, x: Tensor) -> Tensor:
        mean, _ = self.encoder(functional.normalize(x)).chunk(2, dim=1)
        scores: Tensor = self.decoder(mean)
        return scores


class RecVae(nn.Module):
    """Shenbin et al. 2020, arXiv:1912.11160: a composite prior, a weight of each person's own, a linear decoder.

    Encoder and decoder are trained in turns: `encoder_loss` several times, `remember`, then `decoder_loss`.
    """

    def __init__(self, n_items: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.encoder = _DenseEncoder(n_items, hidden, latent)
        self.decoder = nn.Linear(latent, n_items)
        self.remember()

    def remember(self) -> None:
        """Take the encoder of now for the prior of the next round."""
        self.old_encoder = [copy.deepcopy(self.encoder).eval().requires_grad_(requires_grad=False)]  # no part of self

    def encoder_loss(self, x: Tensor, gamma: float) -> Tensor:
        """With noise in the input; the divergence weighs gamma times what a person's ratings are worth together."""
        mean, log_variance = self.encoder(_dropped(x))
        z = _sampled(mean, log_variance)
        divergence = (_log_normal(z, mean, log_variance) - self._log_prior(z, x)).sum(dim=1)
        return (gamma * x.sum(dim=1) * divergence - _log_likelihood(x, self.decoder(z))).mean()

    def decoder_loss(self, x: Tensor) -> Tensor:
        """Without noise in the input; the divergence does not depend on the decoder."""
        with torch.no_grad():
            z = _sampled(*self.encoder(functional.normalize(x)))
        return -_log_likelihood(x, self.decoder(z)).mean()

    def forward(self, x: Tensor) -> Tensor:
        mean, _ = self.encoder(functional.normalize(x))
        scores: Tensor = self.decoder(mean)
        return scores

    def _log_prior(self, z: Tensor, x: Tensor) -> Tensor:
        with torch.no_grad():
            old_mean, old_log_variance = self.old_encoder[0](functional.normalize(x))
        zero = torch.zeros_like(z)
        parts = (
            _log_normal(z, zero, zero),
            _log_normal(z, old_mean, old_log_variance),
            _log_normal(z, zero, zero + WIDE_LOG_VARIANCE),
        )
        weighted = [part + math.log(weight) for part, weight in zip(parts, PRIOR_WEIGHTS, strict=True)]
        return torch.logsumexp(torch.stack(weighted), dim=0)


class SparseLinear(nn.Module):
    """nn.Linear for rows that are nearly all 0, of which it only multiplies the rest."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_inputs)  # as nn.Linear begins
        self.weight = nn.Parameter(torch.empty(n_inputs, n_outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        return torch.sparse.mm(x.to_sparse(), self.weight) + self.bias


class _DenseEncoder(nn.Module):
    """Five layers, each of which also gets the outputs of all before it; swish, then layer norm."""

    def __init__(self, n_items: int, hidden: int, latent: int, depth: int = 5) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Linear(hidden, hidden) if place else SparseLinear(n_items, hidden) for place in range(depth)]
        )
        self.norms = nn.ModuleList([nn.LayerNorm(hidden, eps=0.1) for _ in range(depth)])
        self.mean, self.log_variance = nn.Linear(hidden, latent), nn.Linear(hidden, latent)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        outputs: list[Tensor] = []
        for layer, norm in zip(self.layers, self.norms, strict=True):
            value = layer(outputs[-1] if outputs else x)
            outputs.append(norm(functional.silu(sum(outputs, start=value))))
        return self.mean(outputs[-1]), self.log_variance(outputs[-1])


def _dropped(x: Tensor) -> Tensor:
    return functional.dropout(functional.normalize(x), INPUT_DROPOUT)


def _sampled(mean: Tensor, log_variance: Tensor) -> Tensor:
    return mean + torch.randn_like(mean) * (0.5 * log_variance).exp()


def _log_likelihood(x: Tensor, scores: Tensor) -> Tensor:
    return (functional.log_softmax(scores, dim=1) * x).sum(dim=1)


def _log_normal(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    return -0.5 * (log_variance + math.log(2 * math.pi) + (z - mean).square() / log_variance.exp())

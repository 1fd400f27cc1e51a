"""Training a verifier on crops, on one processor core, the same from the same seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scripts.training.sources import UNKNOWN, Crop
from torch import nn
from torch.nn import functional

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """rounds: over all crops. frozen: of these, first, with the backbone as it is. rate, slow: of
    learning, for the head and the backbone."""

    rounds: int = 5
    frozen: int = 1
    batch: int = 32
    rate: float = 1e-3
    slow: float = 1e-4
    decay: float = 1e-2
    seed: int = 1
    threads: int = 1


def fit(network: nn.Module, crops: Sequence[Crop], change: Change, settings: Settings) -> None:
    """Trains in place. `network` has `backbone`; change: makes a crop look another way."""
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    random = np.random.default_rng(settings.seed)
    own = set(network.backbone.parameters())
    head = [p for p in network.parameters() if p not in own]
    optimiser = torch.optim.AdamW(
        [{"params": head, "lr": settings.rate}, {"params": list(own), "lr": settings.slow}],
        weight_decay=settings.decay,
    )
    steps = settings.rounds * -(-len(crops) // settings.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [settings.rate, settings.slow], total_steps=steps, pct_start=0.15
    )
    network.train()
    for number in range(settings.rounds):
        for parameter in own:
            parameter.requires_grad_(number >= settings.frozen)
        total, order = 0.0, random.permutation(len(crops))
        for first in range(0, len(order), settings.batch):
            chosen = [crops[i] for i in order[first : first + settings.batch]]
            total += _step(network, chosen, change, random, optimiser)
            schedule.step()
        print(f"round {number + 1}: loss {total / steps * settings.rounds:.4f}", flush=True)


def _step(
    network: nn.Module,
    chosen: Sequence[Crop],
    change: Change,
    random: np.random.Generator,
    optimiser: torch.optim.Optimizer,
) -> float:
    images = np.stack([change(crop.image, random) for crop in chosen])
    truth = torch.tensor([crop.truth for crop in chosen])
    known = (truth != UNKNOWN).float()
    logits = network(torch.from_numpy(images).float())
    wanted = truth.clamp(0.02, 0.98)
    losses = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    loss = (losses * known).sum() / known.sum().clamp(min=1)
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return float(loss.detach())


@torch.no_grad()
def judged(network: nn.Module, crops: Sequence[Crop], batch: int = 64) -> np.ndarray:
    """(n, classes) probabilities."""
    network.eval()
    parts = [
        torch.sigmoid(network(torch.from_numpy(np.stack([c.image for c in part])).float()))
        for part in (crops[i : i + batch] for i in range(0, len(crops), batch))
    ]
    return torch.cat(parts).numpy()

"""A verifier: a backbone, and a head that says how sure it is of each class."""

from __future__ import annotations

from pathlib import Path

import torch
from scripts.training.backbone import Backbone
from torch import Tensor, nn

HIDDEN = 64


class Verifier(nn.Module):
    """Each class has a probability of its own. Pools by mean and maximum: what matters may fill the
    square, or a corner of it."""

    def __init__(self, source: Path, classes: int, stride: int = 16) -> None:
        super().__init__()
        self.backbone = Backbone(source, stride)
        self.mix = nn.Conv2d(self.backbone.channels, HIDDEN, 1)
        self.last = nn.Linear(2 * HIDDEN, classes)

    def forward(self, images: Tensor) -> Tensor:
        """(n, side, side, 3) BGR 0..255 to (n, classes) logits."""
        return self.head(self.backbone(images))

    def head(self, features: Tensor) -> Tensor:
        """The part behind the backbone."""
        mixed = torch.relu(self.mix(features))
        pooled = torch.cat([mixed.mean((2, 3)), mixed.amax((2, 3))], 1)
        return self.last(pooled)

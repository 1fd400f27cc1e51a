"""Fixtures shared by the suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def labelled_clips() -> Path | None:
    """The folder of labelled clips, which are not part of the repository."""
    folder = Path(os.environ.get("VEILLEUR_DATA", ROOT.parent / "shared" / "data"))
    return folder if (folder / "dataset.json").is_file() else None


@pytest.fixture(scope="session")
def data() -> Path:
    folder = labelled_clips()
    if folder is None:
        pytest.skip("labelled clips absent: set VEILLEUR_DATA to their folder")
    return folder

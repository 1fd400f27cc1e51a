"""Fixtures and switches shared by the suite.

A test that needs a program which may be absent calls `tool(...)`: it is skipped with the program's
name, or, under VEILLEUR_NO_SKIP (as .ci/run sets it), fails. Tests marked `long` run only with
--long; tests that need the labelled clips skip where those are absent.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ABSENT_CLIPS = "labelled clips absent: set VEILLEUR_DATA to their folder"
ABSENT = (ABSENT_CLIPS, "VEILLEUR_MODELS")
"""Material that is not in the repository: its absence is no missing program."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the full numbers of trials too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if item not in long]
    config.hook.pytest_deselected(items=long)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if os.environ.get("VEILLEUR_NO_SKIP") and report.skipped:
        reason = str(report.longrepr)
        if not any(word in reason for word in ABSENT):
            report.outcome = "failed"
            report.longrepr = f"skipping is forbidden here: {reason}"
    return report


def labelled_clips() -> Path | None:
    """The folder of labelled clips, which are not part of the repository."""
    folder = Path(os.environ.get("VEILLEUR_DATA", ROOT.parent / "shared" / "data"))
    return folder if (folder / "dataset.json").is_file() else None


@pytest.fixture(scope="session")
def data() -> Path:
    folder = labelled_clips()
    if folder is None:
        pytest.skip(ABSENT_CLIPS)
    return folder

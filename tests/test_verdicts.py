"""What the rules say of the made scenes is what they are known to say, value by value."""

from __future__ import annotations

import re

import pytest

from tests.verdicts import CLIPS, REFERENCES, clips, lines

NUMBER = re.compile(r"-?\d+\.\d+")
AGAIN = "if this is meant, read the difference of `python -m tests.verdicts` and keep it"


@pytest.mark.parametrize("name", CLIPS)
def test_every_check_says_what_was_measured(name: str) -> None:
    kept = (REFERENCES / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    said = list(lines(clips()[name]))
    words = [[NUMBER.sub("#", line) for line in side] for side in (said, kept)]
    assert words[0] == words[1], AGAIN
    for mine, theirs in zip(said, kept, strict=True):
        values = [[float(n) for n in NUMBER.findall(line)] for line in (mine, theirs)]
        assert values[0] == pytest.approx(values[1], rel=0.005, abs=0.02), AGAIN


@pytest.mark.parametrize("name", CLIPS)
def test_a_signal_has_passed_every_check_and_says_where_it_is_from(name: str) -> None:
    for line in lines(clips()[name]):
        if line.startswith("  SIGNAL"):
            assert f" on {name}, alarm," in line
            assert not re.search(r" s no(;|$)", line)

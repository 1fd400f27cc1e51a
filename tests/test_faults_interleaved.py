"""F2: a desk at which operators, engine, time and orders come in any order keeps to its rules. A
batch that fails is done again with `python -m tests.interleaved --seed N`."""

from __future__ import annotations

import pytest

from tests.interleaved import BATCH
from tests.side_by_side import parts, together

CI, LONG = 2000, 50_000


@pytest.mark.parametrize("number", [CI, pytest.param(LONG, marks=pytest.mark.long)])
def test_any_order_of_deeds_leaves_what_the_rules_say(number: int) -> None:
    together(
        [
            ("tests.interleaved", "--machines", str(len(part) * BATCH), "--seed", str(part.start))
            for part in parts(0, number // BATCH)
        ]
    )

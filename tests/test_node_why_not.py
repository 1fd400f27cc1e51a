"""Why a rule did not signal: what it watched in the last minutes, and the check that kept it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.watching import (
    ANYBODY,
    Idle,
    Made,
    frame,
    judged,
    laboratory,
    member,
    of,
    street,
    until,
)
from veilleur.catalogue import Event
from veilleur.engine import whynot
from veilleur.engine.node import Node
from veilleur.engine.pipeline import RuleVerdict
from veilleur.engine.seat import Seat
from veilleur.engine.whynot import Changed, WhyNotHistory
from veilleur.events.rule import Candidate, Check, Verdict
from veilleur.geometry import Box

HOUR = timedelta(hours=1)


def candidate(x: float, failed: str = "inside", *, passed: bool = False) -> Candidate:
    check = Check(name=failed, measured=1.0, threshold=2.0, unit="s", held_s=1.0, passed=passed)
    return Candidate(where=Box(x, 0.0, x + 40.0, 100.0), checks=(check,))


def told(*instants: list[Candidate]) -> list[tuple[float, float, str]]:
    """Seconds, place and failed check of what is kept of these verdicts, one a second."""
    history = WhyNotHistory()
    for n, candidates in enumerate(instants):
        verdict = Verdict(candidates=tuple(candidates))
        history.add(float(n), [RuleVerdict("rule", Event.FORBIDDEN_ZONE, verdict)])
    return [_line(one) for one in history.between(0.0, 1e9)]


def _line(one: Changed) -> tuple[float, float, str]:
    failed = one.candidate.failed
    return one.host_s, one.candidate.where.x1, failed.name if failed else ""


def test_somebody_is_told_when_they_appear_and_when_the_answer_changes() -> None:
    assert told(
        [candidate(0, "schedule")],
        [candidate(20, "schedule")],
        [candidate(40, "inside")],
        [candidate(60, "inside")],
        [candidate(80, "inside", passed=True)],
        [candidate(100, "inside", passed=True)],
    ) == [(0.0, 0.0, "schedule"), (2.0, 40.0, "inside"), (4.0, 80.0, "")]


def test_two_are_told_apart_by_where_they_are() -> None:
    assert told(
        [candidate(0, "a"), candidate(500, "b")],
        [candidate(500, "b"), candidate(0, "a")],
        [candidate(500, "a"), candidate(0, "a")],
    ) == [(0.0, 0.0, "a"), (0.0, 500.0, "b"), (2.0, 500.0, "a")]


def test_who_comes_back_is_somebody_new() -> None:
    assert told([candidate(0)], [], [candidate(0)]) == [(0.0, 0.0, "inside"), (2.0, 0.0, "inside")]


def test_it_is_kept_for_ten_minutes_and_no_more_than_so_many() -> None:
    slow, busy = WhyNotHistory(), WhyNotHistory()
    for n in range(2000):
        verdict = Verdict(candidates=(candidate(0, f"check {n}"),))
        said = [RuleVerdict("rule", Event.FORBIDDEN_ZONE, verdict)]
        slow.add(n * 2.0, said)
        busy.add(n / 100, said)
    assert [one.host_s for one in slow.between(0, 1e9)] == [
        2.0 * n for n in range(2000 - round(whynot.KEPT_S / 2) - 1, 2000)
    ]
    assert len(busy.between(0, 1e9)) == whynot.MOST


def test_a_stay_that_was_too_short_is_found_with_what_it_lacked(tmp_path: Path) -> None:
    """Somebody is in the picture for a second, the rule wants two: nothing is signalled, and the
    reason can be read afterwards, with the measured value."""

    def passes(seconds: float) -> float | None:
        return 0.2 + 0.2 * (seconds - 1.0) if 1.0 <= seconds <= 2.0 else None

    long = ANYBODY.model_copy(update={"params": {"dwell_s": 2.0}})
    one = member("gate", street(tmp_path / "a.mp4", 4.0, passes), rules=(long,)).hurried()
    with Node([one], laboratory([one]), Made()) as node:
        until(lambda: node.ended, node)
        now = datetime.now(UTC)
        (only,) = node.why_not("gate", now - HOUR, now)
        assert [said.rule for said in node.verdicts("gate")] == ["anybody"]
        assert of(node, "gate").last_alert is None
        assert node.why_not("gate", now - 2 * HOUR, now - HOUR) == ()
    assert only.rule == "anybody"
    assert only.failed is not None
    assert (only.failed.unit, only.failed.threshold) == ("s", 2.0)
    assert only.unfit is None


def test_nothing_of_a_frame_hangs_on_what_is_kept() -> None:
    one = member("gate", "rtsp://cam.lan/live")
    seat = Seat(one, Idle(one.settings))
    for n in range(6):
        judged(seat, frame(n / 5, 100 + n / 5))
    failed = [one.candidate.failed for one in seat.why_not.between(0, 1e9)]
    assert [check.name if check else "" for check in failed] == ["inside", ""]

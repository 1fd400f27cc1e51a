"""Technical alarms: grace, grouping, recovery, and silence where a camera is off by an order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from veilleur.desk.technical import Technical
from veilleur.engine.report import CameraReport, Condition

T0 = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def report(camera: str, condition: Condition) -> CameraReport:
    return CameraReport(
        camera=camera,
        condition=condition,
        cause="" if condition is Condition.RUNNING else "no answer",
        retry_in_s=None,
        reference="",
        laboratory=True,
        analysed=0,
        analysed_hz=0.0,
        latency_p50_s=None,
        latency_p95_s=None,
        dropped={},
        people=None,
        vehicles=None,
        key_frames_only=False,
        last_alert=None,
        stream_time=0.0,
    )


def test_a_fault_is_a_gap_at_once_shown_after_ten_seconds_notified_after_sixty() -> None:
    technical = Technical()
    began = technical.update([report("gate", Condition.LOST)], at(0)).began
    assert [gap.camera for gap in began] == ["gate"]
    assert technical.alarms(at(9.9)) == ()
    assert [a.notified for a in technical.alarms(at(10))] == [False]
    assert [a.notified for a in technical.alarms(at(60))] == [True]


def test_recovery_closes_it_and_the_gap_says_from_when_to_when() -> None:
    technical = Technical()
    technical.update([report("gate", Condition.LOST)], at(0))
    ended = technical.update([report("gate", Condition.RUNNING)], at(30)).ended
    assert [(g.since, g.until, g.condition) for g in ended] == [(at(0), at(30), Condition.LOST)]
    assert technical.alarms(at(60)) == ()


@pytest.mark.parametrize("condition", [Condition.NOT_AUTHORISED, Condition.ENDED])
def test_a_camera_that_is_off_by_order_or_law_is_silent(condition: Condition) -> None:
    technical = Technical()
    assert technical.update([report("gate", condition)], at(0)).began == ()
    assert technical.alarms(at(100)) == ()


def test_a_camera_that_connects_for_ever_is_a_fault() -> None:
    technical = Technical()
    connecting = [report("gate", Condition.CONNECTING)]
    assert technical.update(connecting, at(0)).began == ()
    assert len(technical.update(connecting, at(15)).began) == 1


def test_twenty_cameras_behind_one_switch_are_one_item_two_are_two() -> None:
    technical = Technical()
    for n in range(20):
        technical.update([report(f"c{m:02}", Condition.LOST) for m in range(n + 1)], at(n * 0.3))
    (alarm,) = technical.alarms(at(30))
    assert len(alarm.cameras) == 20
    few = Technical()
    few.update([report("a", Condition.LOST), report("b", Condition.LOST)], at(0))
    assert len(few.alarms(at(30))) == 2


def test_cameras_behind_a_dead_switch_are_one_item_however_each_fails_to_come_back() -> None:
    technical = Technical()
    ways = (Condition.STALLED, Condition.LOST, Condition.REFUSED, Condition.CONNECTING)
    for seconds in range(40):
        reports = [report(f"c{n}", ways[(n + seconds) % 4]) for n in range(20)]
        technical.update([*reports, report("dark", Condition.BLIND)], at(seconds))
    together, alone = sorted(technical.alarms(at(40)), key=lambda alarm: -len(alarm.cameras))
    assert len(together.cameras) == 20
    assert alone.cameras == ("dark",)


def test_a_camera_taken_away_leaves_no_alarm_behind() -> None:
    technical = Technical()
    technical.update([report("gate", Condition.LOST)], at(0))
    assert [gap.until for gap in technical.update([], at(5)).ended] == [at(5)]

"""What screens are told of the passing state, as JSON: codes and numbers, words only where the
engine gives a cause. No count of people leaves the engine this way (law 63)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from veilleur.desk.availability import Availability
from veilleur.desk.technical import TechnicalAlarm
from veilleur.desk.vitals import Vitals
from veilleur.engine.report import CameraReport
from veilleur.law.orders import Orders


def _json(said: object) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _at(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat(timespec="milliseconds")


def camera(report: CameraReport, refused: Mapping[str, str]) -> dict[str, object]:
    """refused: rule id to the cause of the gate's refusal, where it refuses now."""
    late = report.latency_p95_s
    return {
        "id": report.camera,
        "condition": report.condition.value,
        "analysing": report.condition.analysing,
        "trouble": report.condition.trouble,
        "cause": report.cause,
        "retry_in_s": None if report.retry_in_s is None else round(report.retry_in_s, 1),
        "analysed_hz": round(report.analysed_hz, 1),
        "latency_p95_s": None if late is None else round(late, 3),
        "key_frames_only": report.key_frames_only,
        "reference": report.reference,
        "laboratory": report.laboratory,
        "refused": dict(refused),
    }


def cameras(told: Sequence[dict[str, object]]) -> str:
    return _json(list(told))


def technical(alarms: Sequence[TechnicalAlarm]) -> list[dict[str, object]]:
    return [
        {
            "cameras": list(alarm.cameras),
            "condition": alarm.condition.value,
            "cause": alarm.cause,
            "since": _at(alarm.since),
            "notified": alarm.notified,
        }
        for alarm in alarms
    ]


def availability(told: Sequence[Availability]) -> list[dict[str, object]]:
    """share: 0 to 1 of the time it should have been analysed; null: it never should."""
    return [
        {
            "camera": one.camera,
            "since": _at(one.since),
            "until": _at(one.until),
            "share": None if one.share is None else round(one.share, 5),
            "analysed_s": round(one.analysed_s),
            "planned_s": round(one.planned_s),
            "unknown_s": round(one.unknown_s),
            "reasons": [
                {
                    "condition": reason.condition.value,
                    "planned": reason.planned,
                    "seconds": round(reason.seconds),
                    "times": reason.times,
                    "cause": reason.cause,
                }
                for reason in one.reasons
            ],
        }
        for one in told
    ]


def vitals(state: Vitals) -> dict[str, object]:
    return {
        "at": _at(state.at),
        "well": state.well,
        "stages": [
            {
                "stage": stage.stage.value,
                "age_s": round(stage.age_s, 1),
                "limit_s": stage.limit_s,
                "well": stage.well,
                "words": stage.words,
            }
            for stage in state.stages
        ],
    }


def stops(orders: Orders) -> list[dict[str, object]]:
    return [
        {
            "scope": stop.scope.value,
            "target": stop.target,
            "who": stop.who,
            "at": _at(stop.at),
            "reason": stop.reason,
        }
        for stop in orders.stops
    ]


def line(said: object) -> str:
    """One line of JSON, for the feed."""
    return _json(said)

"""Inbox, shedding and quiet mode: what is dropped has a name, and cameras go whole."""

from __future__ import annotations

import numpy as np

from veilleur.cameras.frame import Frame
from veilleur.cameras.picture import Picture
from veilleur.engine.inbox import Inbox
from veilleur.engine.quiet import Quiet
from veilleur.engine.shedding import Load, Shedding

PICTURE = Picture(np.zeros((6, 4), np.uint8))


def frame(camera: str, sequence: int) -> Frame:
    return Frame(camera, sequence, sequence / 5, PICTURE)


def taken(inbox: Inbox) -> tuple[str, int] | None:
    got = inbox.take(timeout_s=0)
    return None if got is None else (got.camera, got.sequence)


def test_the_newest_frame_wins_and_the_loss_is_counted() -> None:
    inbox = Inbox()
    inbox.put(frame("a", 1))
    inbox.put(frame("a", 2))
    assert taken(inbox) == ("a", 2)
    assert inbox.drops.of("a") == {"displaced": 1}


def test_a_camera_that_sends_faster_does_not_lose_its_turn_nor_take_anothers() -> None:
    inbox = Inbox()
    inbox.put(frame("a", 1))
    inbox.put(frame("b", 1))
    inbox.put(frame("a", 2))
    assert [taken(inbox), taken(inbox)] == [("a", 2), ("b", 1)]


def test_frames_of_one_camera_are_never_analysed_at_once() -> None:
    inbox = Inbox()
    inbox.put(frame("a", 1))
    assert taken(inbox) == ("a", 1)
    inbox.put(frame("a", 2))
    assert taken(inbox) is None
    inbox.done("a")
    assert taken(inbox) == ("a", 2)


def test_a_closed_inbox_hands_out_nothing() -> None:
    inbox = Inbox()
    inbox.put(frame("a", 1))
    inbox.close()
    assert taken(inbox) is None


def load_at(now: float, displaced_per_s: float, busy: float) -> Load:
    return Load(analysed=int(20 * now), displaced=int(displaced_per_s * now), busy_s=busy * now)


def test_too_many_cameras_are_given_up_one_by_one_from_the_end() -> None:
    shedding = Shedding(["first", "second", "third"], analysts=2)
    gone = []
    for second in range(0, 21):
        shedding.update(load_at(second, displaced_per_s=5, busy=2), float(second))
        gone.append(sorted(shedding.shed))
    assert gone[4] == []
    assert gone[6] == ["third"]
    assert gone[20] == ["second", "third"], "the last camera is never given up"


def test_a_camera_comes_back_when_there_is_room_for_long_enough() -> None:
    shedding = Shedding(["first", "second"], analysts=2)
    shedding.update(load_at(0, 0, 0), 0.0)
    shedding.update(Load(analysed=100, displaced=20, busy_s=10), 5.0)
    assert list(shedding.shed) == ["second"]
    back = None
    for second in range(10, 120, 5):
        shedding.update(Load(100 + second, 20, 10 + second / 10), float(second))
        back = back or (second if not shedding.shed else None)
    assert back == 70


def test_a_little_loss_sheds_nothing() -> None:
    shedding = Shedding(["first", "second"], analysts=2)
    for second in range(0, 60):
        shedding.update(load_at(second, displaced_per_s=0.5, busy=1.9), float(second))
    assert not shedding.shed


def test_key_frames_suffice_once_nothing_moves_and_full_decoding_returns_with_motion() -> None:
    quiet = Quiet()
    modes = [quiet.update(t / 5, moving=t < 5, key_interval_s=2.0) for t in range(40)]
    assert modes.index(True) / 5 == 5.8, "five seconds after the last motion at 0.8 s"
    assert quiet.update(8.0, moving=True, key_interval_s=2.0) is False
    assert quiet.update(8.2, moving=False, key_interval_s=2.0) is False


def test_rare_or_unknown_key_frames_are_never_relied_on() -> None:
    for interval in (None, 10.0):
        quiet = Quiet()
        assert not any(
            quiet.update(t / 5, moving=False, key_interval_s=interval) for t in range(60)
        )

"""Clear pictures exist in memory, for minutes, for whoever may look; nothing is ever a file."""

from __future__ import annotations

import os
import sys
import weakref
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import cv2
import numpy as np
import pytest

from tests.cameras_media import make_clip
from tests.evidence_media import (
    CAME,
    WALK_SIZE,
    Recorded,
    detail,
    footage_of,
    make_walk,
    walker_at,
)
from tests.watching import PATIENCE_S, Made, laboratory, member, of, street, until
from veilleur.cameras.ring import Footage
from veilleur.engine.node import Node
from veilleur.errors import EvidenceFailed, PlaybackFailed
from veilleur.evidence.clip import ClipMaker
from veilleur.evidence.kept import Clear, Kept, State
from veilleur.evidence.redaction import Hidden
from veilleur.evidence.still import still
from veilleur.geometry import ImageArray

ONSET = CAME + 10.0


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """24 seconds, a key frame every two."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    options = {"g": "50", "bf": "0", "sc_threshold": "0"}
    return Recorded(footage_of(make_clip(path, seconds=24, options=options)))


class Clock:
    """Host seconds, as the test sets them."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def image(clear: Clear) -> ImageArray:
    read = cv2.imdecode(np.frombuffer(clear.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert read is not None
    return np.asarray(read, np.uint8)


def seconds(clear: Clear) -> float:
    return (clear.at - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds() - CAME


def test_the_seconds_around_the_onset_are_shown_and_no_others(long: Recorded) -> None:
    kept, incident = Kept(), uuid4()
    assert kept.keep(incident, long, ONSET) is State.HELD
    times = [seconds(clear) for clear in kept.seconds(incident)]
    assert times[0] == pytest.approx(4.0, abs=0.01), "the key frame before five seconds before"
    assert times[-1] == pytest.approx(20.0, abs=0.3)
    assert np.diff(times).max() <= 0.5, "two pictures a second at least"
    assert kept.size < long.footage.size


def test_people_are_clear_in_them_and_what_a_mask_covers_is_not(tmp_path: Path) -> None:
    walk = Recorded(footage_of(make_walk(tmp_path / "walk.mp4")))
    foot = ((0.0, 0.9), (1.0, 0.9), (1.0, 1.0), (0.0, 1.0))
    sky = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.1), (0.0, 0.1))
    kept, incident = Kept(), uuid4()
    kept.keep(incident, replace(walk, masks=(foot,)), CAME + 2.0)
    for clear in kept.seconds(incident, masks=[sky]):
        shown = image(clear)
        assert shown.shape == WALK_SIZE[::-1]
        assert detail(shown, walker_at(seconds(clear))) > 60
        assert shown[332:].max() < 20, "a mask of then"
        assert shown[:30].max() < 20, "a mask of today"


def test_packets_that_come_later_are_added_to_those_kept(long: Recorded) -> None:
    kept, incident = Kept(), uuid4()
    early = replace(long, footage=long.footage.between(CAME + 3, CAME + 11))
    late = replace(long, footage=long.footage.between(CAME + 9, CAME + 24))
    kept.keep(incident, early, ONSET)
    kept.keep(incident, late, ONSET)
    whole = Kept()
    whole.keep(incident, long, ONSET)
    assert kept.size == whole.size


def test_nothing_was_kept_is_said_by_name(long: Recorded) -> None:
    kept, incident = Kept(), uuid4()
    empty = replace(long, footage=Footage(long.footage.coding))
    assert kept.keep(incident, empty, ONSET) is State.NONE
    assert cause(kept, incident) == "none"


def cause(kept: Kept, incident: UUID) -> str:
    with pytest.raises(EvidenceFailed) as failed:
        kept.seconds(incident)
    return failed.value.cause


def test_after_some_minutes_they_are_gone_however_often_packets_came(long: Recorded) -> None:
    clock = Clock()
    kept, incident = Kept(kept_s=300.0, now=clock), uuid4()
    assert kept.left_s(incident) == 0
    kept.keep(incident, long, ONSET)
    assert kept.left_s(incident) == 300
    clock.now = 200.0
    assert kept.keep(incident, long, ONSET) is State.HELD
    assert kept.left_s(incident) == 100
    clock.now = 300.0
    assert kept.state(incident) is State.HELD
    clock.now = 300.1
    assert kept.left_s(incident) == 0
    kept.expire()
    assert kept.size == 0
    assert cause(kept, incident) == "over"
    assert kept.keep(incident, long, ONSET) is State.OVER, "they do not come back"


def test_all_incidents_together_hold_no_more_than_was_given(long: Recorded) -> None:
    one = Kept()
    one.keep(uuid4(), long, ONSET)
    kept = Kept(most_bytes=one.size * 5 // 2)
    incidents = [uuid4() for _ in range(5)]
    for incident in incidents:
        kept.keep(incident, long, ONSET)
        assert kept.size <= one.size * 5 // 2
    assert [kept.state(i) for i in incidents] == [State.DROPPED] * 3 + [State.HELD] * 2
    assert cause(kept, incidents[0]) == "dropped"
    assert Kept(most_bytes=10).keep(uuid4(), long, ONSET) is State.DROPPED


def test_no_more_is_held_than_is_shown(long: Recorded) -> None:
    mine = replace(long)
    outside = weakref.ref(mine)
    kept = Kept()
    kept.keep(uuid4(), mine, ONSET)
    del mine
    assert outside() is None


def test_what_is_let_go_is_gone(long: Recorded) -> None:
    kept, incident = Kept(), uuid4()
    kept.keep(incident, long, ONSET)
    kept.let_go(incident)
    assert (kept.size, kept.state(incident)) == (0, State.OVER)


def test_damaged_packets_are_this_lookers_error_only(long: Recorded) -> None:
    kept, bad, good = Kept(), uuid4(), uuid4()
    noise = tuple(replace(p, data=b"\xff" * 60) for p in long.footage.packets)
    kept.keep(bad, replace(long, footage=replace(long.footage, packets=noise)), ONSET)
    kept.keep(good, long, ONSET)
    with pytest.raises(PlaybackFailed):
        list(kept.seconds(bad))
    assert len(list(kept.seconds(good))) > 20


# ---------------------------------------------------------------------- the whole way
class Watchman:
    """Sees files being opened for writing. An audit hook can't be taken off, so it is switched."""

    def __init__(self) -> None:
        self.on, self.written = False, list[str]()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, given: tuple[object, ...]) -> None:
        if self.on and event == "open" and isinstance(given[0], str | bytes):
            flags = given[2] if isinstance(given[2], int) else 0
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                self.written.append(os.fsdecode(given[0]))


WATCHMAN = Watchman()


def test_from_a_running_camera_to_evidence_without_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film, elsewhere = street(tmp_path / "street.mp4", 8.0), tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    for name in ("TMPDIR", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(elsewhere))
    WATCHMAN.written, WATCHMAN.on = [], True
    one = member("gate", film).remembering(60.0, 4 << 20)
    with Node([one], laboratory([one]), Made()) as node:
        until(lambda: of(node, "gate").analysed >= 15, node)
        recorded = node.packets("gate").result(PATIENCE_S)
        now = datetime.now(UTC)
        looks = node.boxes("gate", now - timedelta(minutes=1), now)
        snapshot = node.snapshot("gate")
    assert snapshot is not None
    jpeg = still(snapshot.picture, Hidden.of(snapshot.boxes, snapshot.view))
    maker = ClipMaker(looks[0].host_s)
    maker.add(recorded, looks, looks[-1].host_s)
    clip = maker.finish()
    kept, incident = Kept(), uuid4()
    kept.keep(incident, recorded, looks[5].host_s)
    clear = list(kept.seconds(incident))
    WATCHMAN.on = False
    assert jpeg.startswith(b"\xff\xd8")
    assert clip.pictures >= 20
    assert len(clear) >= 4
    assert [name for name in WATCHMAN.written if not name.startswith("/dev/null")] == []
    assert list(elsewhere.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["street.mp4"]


def test_the_watchman_is_awake(tmp_path: Path) -> None:
    WATCHMAN.written, WATCHMAN.on = [], True
    (tmp_path / "clip.mp4").write_bytes(b"")
    WATCHMAN.on = False
    assert WATCHMAN.written == [str(tmp_path / "clip.mp4")]

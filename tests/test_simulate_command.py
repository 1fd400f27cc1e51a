"""`veilleur simulate` as a user starts and stops it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import av
import pytest

from tests.simulate_media import make_clip, number, pictures, viewer
from veilleur.cli.simulate import simulate
from veilleur.errors import ConfigurationError

COMMAND = "import typer; from veilleur.cli.simulate import simulate; typer.run(simulate)"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "ramp.mp4")


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments, "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=10)


def test_it_prints_addresses_that_can_be_opened_and_stops_on_request(clip: Path) -> None:
    with running(str(clip), "--cameras", "2", "--user", "u", "--password", "p@ ss") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        assert all(line.startswith("rtsp://u:p@ ss@127.0.0.1:") for line in lines), "as typed"
        urls = [line.partition("  ")[0].replace("p@ ss@", "p%40%20ss@") for line in lines]
        assert len({re.sub(r".*:(\d+)/.*", r"\1", url) for url in urls}) == 2
        with viewer(urls[1]) as camera:
            assert [number(frame) for frame in islice(pictures(camera), 3)] == [0, 1, 2]
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=10) == 0, "a viewer does not hold it up"


def test_faults_begin_by_plan_at_the_camera_named(clip: Path) -> None:
    with running(str(clip), "--cameras", "2", "--fault", "2/not-found@0") as process:
        assert process.stdout is not None
        urls = [process.stdout.readline().split()[0] for _ in range(2)]
        with viewer(urls[0]) as camera:
            assert number(next(pictures(camera))) == 0
        with pytest.raises(av.HTTPNotFoundError), viewer(urls[1]):
            pass


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"fault": ["stal@5"]}, "fault"),
        ({"fault": ["3/stall@5"]}, "fault"),
        ({"user": "somebody"}, "user"),
        ({"user": "some:body", "password": "p"}, "user"),
    ],
)
def test_wrong_options_are_named_before_anything_starts(
    clip: Path, options: dict[str, list[str] | str], setting: str
) -> None:
    given: dict[str, object] = {
        "cameras": None, "port": 0, "codec": None, "user": None, "password": None, "fault": None,
        **options,
    }  # fmt: skip
    with pytest.raises(ConfigurationError) as caught:
        simulate([clip], **given)  # type: ignore[arg-type]
    assert caught.value.setting == setting

"""One run each way against GStreamer, so that our server and our reader are not only right with
each other."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import islice, pairwise
from pathlib import Path

import pytest

from tests.simulate_media import DARKEST, RATE, STEP, make_clip, pictures, viewer
from veilleur.simulation.message import Credentials
from veilleur.simulation.simulator import SimulatedCamera, Simulator

PYTHON = "/usr/bin/python3"
"""The system's, which has GStreamer's bindings."""
HERE = Path(__file__).parent / "gstreamer"
COUNTED = 40
CODECS = {"h264": "libx264", "h265": "libx265"}
_PROBE = """
import gi, sys
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
names = "rtspsrc rtph265pay x264enc x265enc avdec_h264 avdec_h265 h265parse".split()
sys.exit("GStreamer elements absent: " + str([n for n in names if not Gst.ElementFactory.find(n)])
         if not all(map(Gst.ElementFactory.find, names)) else 0)
"""


@cache
def obstacle() -> str:
    """Why GStreamer cannot be used here; empty where it can."""
    if not Path(PYTHON).exists():
        return f"{PYTHON} absent"
    probe = subprocess.run([PYTHON, "-c", _PROBE], capture_output=True, text=True, check=False)
    return "" if probe.returncode == 0 else probe.stderr.strip().splitlines()[-1]


pytestmark = pytest.mark.tool("gstreamer")


@pytest.fixture(autouse=True)
def gstreamer() -> None:
    if why := obstacle():
        pytest.skip(f"GStreamer with its RTSP server absent: {why}")


@contextmanager
def server(codec: str) -> Iterator[str]:
    """GStreamer's RTSP server. Yields its URL."""
    with subprocess.Popen(
        [PYTHON, str(HERE / "serve.py"), codec],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        yield f"rtsp://127.0.0.1:{int(running.stdout.readline())}/test"
        running.stdin.close()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("codec", CODECS)
def test_we_can_read_gstreamers_server(codec: str, transport: str) -> None:
    with server(codec) as url, viewer(url, transport, timeout_s=5.0) as camera:
        seen = list(islice(pictures(camera), RATE))
    assert {(frame.width, frame.height) for frame in seen} == {(320, 240)}
    times = [frame.pts for frame in seen if frame.pts is not None]
    assert {later - earlier for earlier, later in pairwise(times)} == {90_000 // RATE}


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("codec", CODECS)
def test_gstreamers_client_can_read_our_simulator(
    tmp_path: Path, codec: str, transport: str
) -> None:
    """Pictures, their order, an odd password, and the true time by the sender reports."""
    who = Credentials("ad min", 'p@:/ ss%41wö"?#')
    clip = make_clip(tmp_path / "ramp.mp4", CODECS[codec])
    with Simulator([SimulatedCamera(clip, credentials=who)]) as simulator:
        bare = f"rtsp://127.0.0.1:{simulator.port(0)}/stream"
        command = [PYTHON, str(HERE / "view.py"), bare, codec, transport, str(COUNTED)]
        done = subprocess.run(
            [*command, who.user, who.password], capture_output=True, text=True, check=False
        )
        truth = simulator.frames_sent(0)
    assert done.returncode == 0, done.stderr
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    numbers = [round((one["luma"] - DARKEST) / STEP) for one in seen]
    first = [frame.index for frame in truth].index(numbers[0])
    sent = truth[first : first + COUNTED]
    assert numbers == [frame.index for frame in sent]
    errors_s = [
        one["true_s"] - frame.captured
        for one, frame in zip(seen, sent, strict=True)
        if one["true_s"] is not None
    ]
    assert errors_s, "sender reports were understood"
    assert max(map(abs, errors_s)) < 1e-3

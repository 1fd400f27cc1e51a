"""The whole pipeline against the script a good developer writes, and against its own floor.

    python -m benchmarks.pipeline [--rounds N]

CPU-seconds per camera-second at five analysed frames a second, 1080p25 and 360p25, busy and quiet.
Ours: the node with its decoding process, everything counted (engine threads and worker). Theirs:
benchmarks/peers/script.py in the benchmark environment (see benchmarks/requirements.txt).
Floor: decoding every frame + 5 x inference, alone. Rounds are interleaved.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from benchmarks import media
from veilleur.cameras.camera import CameraSettings, Pace
from veilleur.cameras.source import parse_source
from veilleur.catalogue import Event
from veilleur.engine.assembly import Assembly, Detectors
from veilleur.engine.node import Member, Node
from veilleur.events.specification import RuleSpecification
from veilleur.geometry import View
from veilleur.law.gate import Gate, Laboratory
from veilleur.perception.choice import decide

SIZES = {"1080p25": (1920, 1080), "360p25": (640, 360)}
ZONE = RuleSpecification(
    id="zone", event=Event.FORBIDDEN_ZONE, zone=((0, 0.5), (0.6, 0.5), (0.6, 1), (0, 1))
)
LINE = RuleSpecification(id="line", event=Event.FORBIDDEN_ZONE, line=((0.33, 0.3), (0.33, 0.6)))
HERE = Path(__file__).parent
PEER_PYTHON = HERE.parent / ".benchmark-venv" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Clips:
    busy: Path
    quiet: Path
    height: int
    width: int


class TreeCpu:
    """CPU seconds of this process and all its descendants, sampled while they live."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._latest: dict[int, float] = {}
        self._before = self._sample()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._ended.set()
        self._thread.join()
        self._latest.update(self._sample())
        return sum(cpu - self._before.get(pid, 0.0) for pid, cpu in self._latest.items())

    def _run(self) -> None:
        while not self._ended.wait(0.05):
            self._latest.update(self._sample())

    def _sample(self) -> dict[int, float]:
        tick = os.sysconf("SC_CLK_TCK")
        parents, used = {}, {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue  # it ended meanwhile
                parents[int(entry.name)] = int(fields[1])
                used[int(entry.name)] = (int(fields[11]) + int(fields[12])) / tick
        own = os.getpid()
        return {pid: used[pid] for pid in used if _descends(pid, own, parents)}


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        pid = parents.get(pid, 0)
    return False


def ours(clip: Path, view: View, detectors: Detectors) -> float:
    """CPU seconds per camera second of the node on one camera."""
    settings = CameraSettings(id="camera", source=parse_source(str(clip)), pace=Pace.FAST)
    member = Member(settings, Assembly("camera", (ZONE, LINE)))
    detectors.fitting(view)  # loading the model is not part of a camera's cost
    meter = TreeCpu()
    with Node([member], Gate({"camera": Laboratory("file")}), detectors) as node:
        while not node.ended:
            time.sleep(0.02)
        used = meter.stop()
    return used / media.SECONDS


def theirs(clip: Path, model: Path) -> float:
    done = subprocess.run(
        [PEER_PYTHON, HERE / "peers" / "script.py", clip, model],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.split()[0])


def decode(clip: Path) -> float:
    began = time.process_time()
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        for _ in container.decode(stream):
            pass
    return (time.process_time() - began) / media.SECONDS


def inference(detectors: Detectors, view: View, rate_hz: float = 5.0) -> float:
    detector = detectors.fitting(view)
    image = np.random.default_rng(0).integers(
        0, 255, (detector.height, detector.width, 3), np.uint8
    )
    detector.detect(image)
    began = time.process_time()
    for _ in range(20):
        detector.detect(image)
    return (time.process_time() - began) / 20 * rate_hz


def _line(name: str, values: list[float], unit: str = "x") -> str:
    low, high = min(values), max(values)
    middle = statistics.median(values)
    return f"{name}: {middle:.3f} {unit} ({low:.3f}-{high:.3f}, {len(values)} rounds)"


def _ratio(top: list[float], bottom: list[float]) -> list[float]:
    return [a / b for a, b in zip(top, bottom, strict=True)]


def measure(clips: Clips, rounds: int, model: Path | None, detectors: Detectors) -> list[str]:
    view = View(clips.width, clips.height)
    work: dict[str, Callable[[], float]] = {
        "ours": lambda: ours(clips.busy, view, detectors),
        "quiet": lambda: ours(clips.quiet, view, detectors),
        "decode": lambda: decode(clips.busy),
        "inference": lambda: inference(detectors, view),
    }
    if model is not None:
        work["theirs"] = lambda: theirs(clips.busy, model)
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            found[name].append(run())
    floor = [a + b for a, b in zip(found["decode"], found["inference"], strict=True)]
    lines = [_line(f"  {name}, CPU s per camera s", values, "s") for name, values in found.items()]
    lines.append(_line("  whole pipeline / (decode + 5 x inference)", _ratio(found["ours"], floor)))
    lines.append(_line("  quiet / busy", _ratio(found["quiet"], found["ours"])))
    if model is not None:
        lines.append(_line("  whole pipeline / script", _ratio(found["ours"], found["theirs"])))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer-model", type=Path, help="NanoDet with its six COCO outputs")
    arguments = parser.parse_args()
    if arguments.peer_model is None:
        print("no --peer-model: the script is not run", file=sys.stderr)
    detectors = Detectors(decide().choice)
    folder = Path(tempfile.gettempdir()) / "veilleur-benchmark-media"
    folder.mkdir(exist_ok=True)
    print(f"detector: {detectors.choice}, {os.cpu_count()} cores")
    for name, (width, height) in SIZES.items():
        clips = Clips(
            media.busy(folder / f"busy-{name}.mp4", width, height),
            media.quiet(folder / f"quiet-{name}.mp4", width, height),
            height,
            width,
        )
        print(name)
        print("\n".join(measure(clips, arguments.rounds, arguments.peer_model, detectors)))


if __name__ == "__main__":
    main()

"""The whole pipeline against the script a good developer writes, and against its own floor.

    python -m benchmarks.pipeline [--rounds N] [--peer-model nanodet_416.onnx]

CPU-seconds per camera-second at five analysed frames a second, 1080p25 and 360p25, busy and quiet.
Ours: the node with its decoding process, everything counted. Theirs: benchmarks/peers/script.py in
the benchmark environment (benchmarks/README.md). Floor: decoding every frame + 5 x inference,
alone. Rounds are interleaved.

Start-up is in no figure: counting begins when the first second of the stream is analysed. Where the
script and the floor are compared, the film is played as fast as it can be analysed, as they do;
quiet and busy are compared at the film's own pace, a quiet one from its tenth second on. Both
sides' tracked people per analysed frame stand beside the times: equal work. That the quality is
equal too, `benchmarks.quality` says.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from benchmarks import media, rig
from benchmarks.machine import Meter, Wanted, description, figure
from veilleur.cameras.camera import Pace
from veilleur.engine.assembly import Detectors
from veilleur.engine.laboratory import LaboratoryClip, analyse
from veilleur.geometry import View
from veilleur.perception.choice import decide
from veilleur.perception.objects import Kind

HERE = Path(__file__).parent
PEER_PYTHON = HERE.parent / ".benchmark-venv" / "bin" / "python"
PEER_MODEL = HERE.parents[1] / "shared" / "models" / "nanodet_416.onnx"
RATE_HZ = 5.0
FIRST_S = 1.0  # of the stream, not counted
QUIET_FROM_S = 10.0
LEFT_S = 4.0  # at the end, not counted: all processes are still there
LIVE_S = 20.0  # counted, of a film at its own pace
SCRIPT = {"1080p25": Wanted(most=0.50), "360p25": Wanted(most=0.40)}
FLOOR = {"1080p25": Wanted(most=1.2), "360p25": Wanted(most=1.3)}
QUIET = Wanted(most=0.25)


@dataclass(frozen=True, slots=True)
class Span:
    """What of a stream is counted, in its seconds."""

    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Peer:
    """What the script says of itself. people: tracked, per analysed frame."""

    cpu_s: float
    people: float


FAST = Span(FIRST_S, media.SECONDS - LEFT_S)
BUSY_LIVE = Span(FIRST_S, FIRST_S + LIVE_S)
QUIET_LIVE = Span(QUIET_FROM_S, QUIET_FROM_S + LIVE_S)


def ours(clip: Path, pace: Pace, span: Span, detectors: Detectors) -> float:
    """CPU seconds per stream second of the node on one camera."""
    pause_s = 0.1 if pace is Pace.FAST else 0.2  # asking costs something too
    with rig.node([rig.member("camera", clip, pace, loop=False)], detectors) as node:

        def at() -> float:
            node.check()
            if node.ended:
                raise SystemExit(f"{clip} ended before it was measured: {node.report()[0]}")
            return node.report()[0].stream_time

        while (began := at()) < span.begin_s:
            time.sleep(pause_s)
        meter = Meter()
        while (ended := at()) < span.end_s:
            time.sleep(pause_s)
        return meter.used().all_s / (ended - began)


def people(clip: Path, detectors: Detectors) -> float:
    """Tracked people per analysed frame: the same pipeline, frame by frame."""
    steps = analyse(LaboratoryClip(id="camera", path=clip, rules=rig.RULES), detectors)
    return float(np.mean([len(s.scene.tracks.of(Kind.PERSON)) for s in steps if s.time >= FIRST_S]))


def theirs(clip: Path, model: Path) -> Peer:
    command = [PEER_PYTHON, HERE / "peers" / "script.py", clip, model, str(FIRST_S)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    cpu, tracked = done.stdout.split()[:2]
    return Peer(float(cpu), float(tracked))


def decode(clip: Path) -> float:
    """CPU seconds per stream second of decoding every frame, one thread, nothing else."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        began = time.process_time()
        for _ in container.decode(stream):
            pass
        return (time.process_time() - began) / media.SECONDS


def inference(clip: Path, size: media.Size, detectors: Detectors) -> float:
    """CPU seconds per stream second of five detector runs, nothing else."""
    detector = detectors.fitting(View(size.width, size.height))
    with av.open(str(clip)) as container:
        shown = next(container.decode(video=0)).to_ndarray(format="bgr24")
    scale = min(detector.width / size.width, detector.height / size.height)
    image = cv2.resize(shown, (round(size.width * scale), round(size.height * scale)))
    detector.detect(image)
    began = time.process_time()
    for _ in range(20):
        detector.detect(image)
    return (time.process_time() - began) / 20 * RATE_HZ


def measure(size: media.Size, rounds: int, model: Path | None, detectors: Detectors) -> list[str]:
    """All figures of one size."""
    busy, quiet = media.busy(size), media.quiet(size)
    rig.warm(detectors, size)
    peers: list[Peer] = []

    def peer() -> float:
        assert model is not None
        peers.append(theirs(busy, model))
        return peers[-1].cpu_s

    work: dict[str, Callable[[], float]] = {
        "whole pipeline": lambda: ours(busy, Pace.FAST, FAST, detectors),
        "decode": lambda: decode(busy),
        "5 x inference": lambda: inference(busy, size, detectors),
        "busy, own pace": lambda: ours(busy, Pace.OWN, BUSY_LIVE, detectors),
        "quiet, own pace": lambda: ours(quiet, Pace.OWN, QUIET_LIVE, detectors),
    }
    if model is not None:
        work["script"] = peer
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            found[name].append(run())
    floor = [a + b for a, b in zip(found["decode"], found["5 x inference"], strict=True)]
    whole = found["whole pipeline"]
    at = size.name
    return [
        *(figure(f"{at} {name}", values, "CPU s a camera s") for name, values in found.items()),
        _ratio(f"{at} whole pipeline / (decode + 5 x inference)", whole, floor, FLOOR[at]),
        _ratio(f"{at} quiet / busy", found["quiet, own pace"], found["busy, own pace"], QUIET),
        *(_against(at, whole, peers) if peers else ()),
        figure(f"{at} people we track", [people(busy, detectors)], "an analysed frame"),
    ]


def _ratio(name: str, top: Sequence[float], bottom: Sequence[float], wanted: Wanted) -> str:
    return figure(name, [a / b for a, b in zip(top, bottom, strict=True)], "x", wanted)


def _against(at: str, whole: Sequence[float], peers: Sequence[Peer]) -> list[str]:
    return [
        _ratio(f"{at} whole pipeline / script", whole, [p.cpu_s for p in peers], SCRIPT[at]),
        figure(f"{at} people the script tracks", [p.people for p in peers], "an analysed frame"),
    ]


def peer_model(asked: Path | None) -> Path | None:
    """The script's weights, or None with a word why it is not run."""
    model = asked or Path(os.environ.get("VEILLEUR_PEER_MODEL", PEER_MODEL))
    if not PEER_PYTHON.exists():
        missing = f"{PEER_PYTHON} is missing, see benchmarks/README.md"
    elif not model.is_file():
        missing = f"{model} is missing: --peer-model takes NanoDet with its six COCO outputs"
    else:
        return model
    print(f"skipped: the script is not run: {missing}", file=sys.stderr)
    return None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", choices=media.SIZES, help="only this one")
    parser.add_argument("--peer-model", type=Path, help="NanoDet with its six COCO outputs")
    arguments = parser.parse_args()
    detectors = Detectors(decide().choice)
    model = peer_model(arguments.peer_model)
    print("\n".join([*description(), f"detector: {detectors.choice}"]))
    for name in [arguments.size] if arguments.size else media.SIZES:
        lines = measure(media.SIZES[name], arguments.rounds, model, detectors)
        print("\n".join(lines), flush=True)


if __name__ == "__main__":
    main()

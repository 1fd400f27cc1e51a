"""Decoding alone: what each size costs, and what need not be decoded.

    python -m benchmarks.decode [--rounds N]

CPU milliseconds a frame, one thread. Every frame, as any player would (bare); through the engine's
decoder, which copies out five a second; key frames only, as in a quiet scene (per frame of the
stream). With B-frames, which cameras seldom send, pictures that no other needs are passed over
(NONREF): that is what the last ratio shows.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import av

from benchmarks import media
from benchmarks.machine import description, figure
from veilleur.cameras.decoding import Decoder, Mode
from veilleur.cameras.source import open_feed, parse_source

FRAMES = 500


def bare(clip: Path) -> float:
    """CPU ms a frame of decoding every one, and nothing else."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        began = time.process_time()
        for number, _ in enumerate(container.decode(stream), start=1):
            if number == FRAMES:
                break
        return 1000 * (time.process_time() - began) / FRAMES


def engine(clip: Path, mode: Mode = Mode.FULL) -> float:
    """The same through the engine's decoder, per frame of the stream."""
    feed = open_feed(parse_source(str(clip)))
    try:
        decoder = Decoder(feed.stream, feed.facts, rate_hz=5.0)
        decoder.mode = mode
        began = time.process_time()
        for number, packet in enumerate(feed.packets(), start=1):
            for _ in decoder.step(packet):
                pass
            if number == FRAMES:
                break
        return 1000 * (time.process_time() - began) / FRAMES
    finally:
        feed.close()


def measure(size: media.Size, rounds: int) -> list[str]:
    plain, fancy = media.busy(size), media.busy(size, b_frames=2)
    work: dict[str, Callable[[], float]] = {
        "bare": lambda: bare(plain),
        "engine": lambda: engine(plain),
        "key frames only": lambda: engine(plain, Mode.KEYFRAMES),
        "bare, B-frames": lambda: bare(fancy),
        "engine, B-frames": lambda: engine(fancy),
    }
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            found[name].append(run())
    lines = [figure(f"{size.name} {name}", found[name], "CPU ms a frame") for name in work]

    def ratio(top: str, bottom: str) -> str:
        pairs = zip(found[top], found[bottom], strict=True)
        return figure(f"{size.name} {top} / {bottom}", [a / b for a, b in pairs], "x")

    return [
        *lines,
        ratio("engine", "bare"),
        ratio("key frames only", "bare"),
        ratio("engine, B-frames", "bare, B-frames"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print("\n".join(description()))
    for size in media.SIZES.values():
        print("\n".join(measure(size, rounds)), flush=True)


if __name__ == "__main__":
    main()

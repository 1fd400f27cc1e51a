"""What each of the eight events costs, and all of them on one camera.

    python -m benchmarks.events [--together] [--rounds N] [--seconds S] [CLIP ...]

Processor milliseconds per analysed frame, at five a second, decoding included: a camera with the
forbidden-zone rule alone, the same with one further rule over the whole picture (default
parameters; wrong way: to the right), and with all eight. In turns, one process, every frame of a
clip analysed as fast as it can be. Then a still scene, where nothing heavy may run. Clips of your
own are measured like the made ones. With --together only the first and the last of these: a minute
instead of five.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import media
from benchmarks.machine import Wanted, description, figure
from veilleur.catalogue import Event
from veilleur.engine.assembly import Detectors
from veilleur.engine.laboratory import LaboratoryClip, analyse
from veilleur.events.specification import RuleSpecification
from veilleur.perception.choice import decide

RATE_HZ = 5.0
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
ALONE = Event.FORBIDDEN_ZONE
ALL_EIGHT = Wanted(most=1.6)
STILL = Wanted(most=0.25)  # of the same rules on a busy scene


@dataclass(frozen=True, slots=True)
class Lineup:
    """The rules of one camera, by what they are called in the figures."""

    name: str
    rules: tuple[RuleSpecification, ...]


def rule(event: Event) -> RuleSpecification:
    heading = (1.0, 0.0) if event is Event.WRONG_WAY else None
    return RuleSpecification(id=event.value, event=event, zone=WHOLE, allowed_heading=heading)


def lineups(*, together: bool = False) -> list[Lineup]:
    """Forbidden zone alone first, all eight last. together: these two alone."""
    alone = rule(ALONE)
    others = [rule(event) for event in Event if event is not ALONE]
    return [
        Lineup(f"{ALONE} alone", (alone,)),
        *(Lineup(f"with {other.event}", (alone, other)) for other in others if not together),
        Lineup("all eight", (alone, *others)),
    ]


def cost_ms(clip: Path, lineup: Lineup, seconds: float, detectors: Detectors) -> float:
    """Processor milliseconds per analysed frame, of this process and all its threads."""
    shown = LaboratoryClip(id="camera", path=clip, rules=lineup.rules, rate_hz=RATE_HZ)
    steps = analyse(shown, detectors)
    next(steps)  # models are loaded
    began, frames = time.process_time(), 0
    for step in itertools.takewhile(lambda step: step.time <= seconds, steps):
        frames += step.frame is not None
    return 1000 * (time.process_time() - began) / max(1, frames)


def measure(
    turns: Sequence[tuple[Path, Lineup]], seconds: float, rounds: int, detectors: Detectors
) -> dict[tuple[Path, str], list[float]]:
    """Every line-up on every clip, in turns."""
    found: dict[tuple[Path, str], list[float]] = {(clip, one.name): [] for clip, one in turns}
    for _ in range(rounds):
        for clip, lineup in turns:
            found[clip, lineup.name].append(cost_ms(clip, lineup, seconds, detectors))
    return found


def said(clip: Path, names: list[str], found: dict[tuple[Path, str], list[float]]) -> list[str]:
    """The figures of one clip."""
    alone = found[clip, names[0]]
    lines = [figure(f"{clip.stem}, {names[0]}", alone, "ms an analysed frame")]
    for name in names[1:]:
        ratios = [mine / base for mine, base in zip(found[clip, name], alone, strict=True)]
        wanted = ALL_EIGHT if name == names[-1] else None
        lines.append(figure(f"{clip.stem}, {name}", ratios, "x", wanted))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("clips", type=Path, nargs="*", help="further films")
    parser.add_argument("--together", action="store_true", help="only alone, and all eight")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=40.0, help="of each film")
    arguments = parser.parse_args()
    detectors = Detectors(decide().choice)
    print("\n".join([*description(), f"detector: {detectors.choice}"]))
    size = media.SIZES["1080p25"]
    busy, quiet = media.busy(size), media.quiet(size)
    small = media.busy(media.SIZES["360p25"])
    clips = [busy, small, quiet, *arguments.clips]
    chosen = lineups(together=arguments.together)
    names = [lineup.name for lineup in chosen]
    turns = list(itertools.product(clips, chosen))
    found = measure(turns, arguments.seconds, arguments.rounds, detectors)
    for clip in clips:
        print("\n".join(said(clip, names, found)), flush=True)
    full = names[-1]
    still = statistics.median(found[quiet, full]) / statistics.median(found[busy, full])
    print(figure("all eight, still scene / busy", [still], "x", STILL))


if __name__ == "__main__":
    main()

"""F3: the service, or one of its processes, is killed at a random moment under load, many times.

    python -m tests.killing --trials 200 [--seed 0] [--real] [--keep FOLDER]

Four cameras on a made film on which somebody comes again and again, an operator who takes and
decides everything, a screen on the feed. What is killed: the service in the middle of its work or
of its start, or a decoding process. Then it is started again, and `tests.history` judges it all.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import veilleur
from tests.history import Blind, Happens, Pen, read
from tests.made_desk import made_site
from tests.struck import Screen, Service, judged
from veilleur.law.gate import boot_s

CAMERAS = ("one", "two", "three", "four")
WORKING, STARTING, DECODER = "at work", "while starting", "a decoder"
KINDS = (WORKING,) * 6 + (STARTING,) * 2 + (DECODER,) * 2


@dataclass(slots=True)
class Trials:
    """wrong: what the judge has against it. back_s: seconds from the start of a new process, or the
    death of a decoder, until all cameras are analysed again, by kind. events: how many of each kind
    the history holds."""

    number: int
    seed: int
    wrong: list[str] = field(default_factory=list)
    back_s: dict[str, list[float]] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        said = [
            f"{kind}: {len(times)} times, back after {statistics.median(times):.1f} s "
            f"(longest {max(times):.1f})"
            for kind, times in sorted(self.back_s.items())
        ]
        counted = ", ".join(f"{number} {kind.lower()}" for kind, number in self.events.items())
        return "; ".join([*said, counted, f"{len(self.wrong)} breaches"])


def courtyard(folder: Path) -> None:
    """Four cameras on the packaged demo clip, for the product's own detector."""
    demo = Path(veilleur.__file__).parent / "demo"
    shutil.copy(demo / "vtest.mp4", folder / "vtest.mp4")
    head, _, camera = (demo / "site.yaml").read_text().partition("  - id: courtyard\n")
    cameras = "".join(f"  - id: {name}\n{camera}" for name in CAMERAS)
    (folder / "site.yaml").write_text(head + cameras)


def trials(folder: Path, number: int, seed: int, options: Sequence[str] = ()) -> Trials:
    """In `folder`, where site.yaml is. The history stays there."""
    die, done = Random(seed), Trials(number, seed)
    service, pen, pause = Service(folder, *options), Pen(folder / "history"), threading.Event()
    if "--real" not in options:
        for camera in CAMERAS:
            pen.write(Happens(camera, "anybody"))
    service.start()
    with Screen(service, CAMERAS) as screen:
        screen.until_all_analysed()
        for _ in range(number):
            kind = die.choice(KINDS)
            pause.wait(die.uniform(0.0, 1.5))
            since = boot_s()
            before_s = service.starved_s() if kind == DECODER else 0.0
            until = _strike(kind, service, die, pause)
            for camera in CAMERAS:
                screen.until_shown(camera, analysing=True, since=until)
            done.back_s.setdefault(kind, []).append(boot_s() - until)
            starved_s = max(0.0, service.starved_s() - before_s)
            for camera in CAMERAS:
                pen.write(Blind(camera, since, until, starved_s))
        service.end()
        hear_the_rest(screen, folder)
    pen.close()
    done.wrong = judged(folder)
    done.events = Counter(type(event).__name__ for event in read(folder / "history"))
    return done


def _strike(kind: str, service: Service, die: Random, pause: threading.Event) -> float:
    """Returns when the fault was over."""
    if kind == DECODER:
        with suppress(ProcessLookupError):
            os.kill(die.choice(sorted(service.family())), signal.SIGKILL)
        return boot_s()
    service.kill()
    if kind == STARTING:
        service.start()
        pause.wait(die.uniform(0.0, 2.0))
        service.kill()
    over = boot_s()
    service.start()
    return over


def hear_the_rest(screen: Screen, folder: Path) -> None:
    """What was stored in the last moments is heard by whoever comes back."""
    service = Service(folder, "--stopped")
    service.start()
    service.until_open()
    screen.follow(service)
    screen.until_heard_everything()
    service.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", action="store_true", help="the product's own detector and clip")
    parser.add_argument("--keep", type=Path, help="an empty folder for everything")
    asked = parser.parse_args()
    folder = asked.keep or Path(tempfile.mkdtemp())
    if asked.real:
        courtyard(folder)
    else:
        made_site(folder, *CAMERAS)
    done = trials(folder, asked.trials, asked.seed, ["--real"] if asked.real else [])
    print(done, *done.wrong[:20], sep="\n")
    if done.wrong:
        print(f"the history is in {folder}")
        sys.exit(1)
    if asked.keep is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

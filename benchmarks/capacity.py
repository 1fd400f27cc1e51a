"""How many busy cameras a machine carries, and what it does beyond.

    python -m benchmarks.capacity [--cameras N] [--size 1080p25|360p25] [--seconds S]
    python -m benchmarks.capacity --find          the largest number that is carried
    python -m benchmarks.capacity --beyond        more than can be carried: who is given up?

Cameras play files at their own pace, each another part of the film and not in step; decoding is
inside the budget, producing is not (nobody encodes or sends anything). Carried means: five frames a
second analysed of each camera, no drop, and 95 of 100 answers within 150 ms after their packet
arrived. `--cores` (2) takes the rest of a larger machine away.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import media, rig
from benchmarks.machine import Meter, Used, Wanted, description, figure, use_cores
from veilleur.engine.assembly import Detectors
from veilleur.engine.node import Node
from veilleur.engine.report import CameraReport, Condition
from veilleur.perception.choice import decide

PER_S = Wanted(least=4.9)  # analysed frames of each camera
WITHIN_S = Wanted(most=0.150)
NO_DROP = Wanted(most=0)
NUMBERS = {"1080p25": 8, "360p25": 18}
WARM_S = 15.0
WINDOW_S = 5.0  # over which a report speaks of delays
SETTLED_S = 20.0  # nobody given up or taken back for so long
SETTLES_WITHIN_S = 240.0


@dataclass(frozen=True, slots=True)
class Delay:
    """One camera over one window, from the packet's arrival to the rules' answer, seconds."""

    camera: str
    p50_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a number of cameras came to, between two moments. rates: analysed a second, by camera;
    dropped: by cause, of the cameras that were not given up."""

    seconds: float
    rates: dict[str, float]
    dropped: dict[str, int]
    delays: tuple[Delay, ...]
    used: Used
    shed: tuple[str, ...]

    @property
    def slowest(self) -> float:
        return min(self.rates.values(), default=0.0)

    @property
    def p50_s(self) -> float:
        return statistics.median(delay.p50_s for delay in self.delays)

    @property
    def p95_s(self) -> float:
        """Of the worst camera: mean of its windows."""
        worst = 0.0
        for camera in {delay.camera for delay in self.delays}:
            mine = [delay.p95_s for delay in self.delays if delay.camera == camera]
            worst = max(worst, statistics.mean(mine))
        return worst

    @property
    def worst_window_s(self) -> float:
        return max(delay.p95_s for delay in self.delays)

    @property
    def carried(self) -> bool:
        return (
            not self.shed
            and not self.dropped
            and PER_S.holds(self.slowest)
            and WITHIN_S.holds(self.p95_s)
        )


def watched(node: Node, seconds: float) -> Outcome:
    """The next so many seconds of a running node."""
    meter, before, began = Meter(), node.report(), time.monotonic()
    delays: list[Delay] = []
    ends = began + seconds
    while (now := time.monotonic()) < ends:
        time.sleep(min(WINDOW_S, ends - now))
        node.check()
        delays += _delays(node.report())
    after, passed, used = node.report(), time.monotonic() - began, meter.used()
    shed = tuple(r.camera for r in after if r.condition is Condition.SHED)
    kept = [(a, b) for a, b in zip(before, after, strict=True) if b.camera not in shed]
    lost_before, lost_after = (rig.dropped([pair[n] for pair in kept]) for n in (0, 1))
    lost = {cause: n - lost_before.get(cause, 0) for cause, n in lost_after.items()}
    return Outcome(
        seconds=passed,
        rates={b.camera: (b.analysed - a.analysed) / passed for a, b in kept},
        dropped={cause: n for cause, n in lost.items() if n},
        delays=tuple(d for d in delays if d.camera not in shed),
        used=used,
        shed=shed,
    )


def _delays(reports: Sequence[CameraReport]) -> list[Delay]:
    return [
        Delay(r.camera, r.latency_p50_s, r.latency_p95_s)
        for r in reports
        if r.latency_p50_s is not None and r.latency_p95_s is not None
    ]


def carry(number: int, size: media.Size, seconds: float, detectors: Detectors) -> Outcome:
    """So many cameras, watched for `seconds` once they have run for a while."""
    rig.warm(detectors, size)
    with rig.staggered():
        running = rig.node(rig.fleet(number, size), detectors)
    with running as node:
        rig.until_all_analysed(node)
        time.sleep(WARM_S)
        return watched(node, seconds)


def find(size: media.Size, seconds: float, detectors: Detectors) -> str:
    """The largest number that is carried, by bisection."""
    carried, beyond = 0, 0
    while not beyond or beyond - carried > 1:
        number = (carried + beyond) // 2 if beyond else max(4, 2 * carried)
        outcome = carry(number, size, seconds, detectors)
        print(f"  {number} cameras: {_summary(outcome)}", flush=True)
        if outcome.carried:
            carried = number
        else:
            beyond = number
    return figure(f"{size.name} cameras carried", [carried], "cameras")


def beyond(number: int, size: media.Size, seconds: float, detectors: Detectors) -> list[str]:
    """More cameras than can be carried: who is given up, in which order, and how are the others?"""
    rig.warm(detectors, size)
    members = rig.fleet(number, size)
    with rig.staggered():
        running = rig.node(members, detectors)
    with running as node:
        rig.until_all_analysed(node)
        given_up = _settle(node)
        outcome = watched(node, seconds)
    order = [member.id for member in members]
    last_first = given_up == list(reversed(order))[: len(given_up)]
    name = f"{size.name} x {number}, beyond capacity"
    return [
        f"{name}, given up in this order: {', '.join(given_up) or 'nobody'}"
        f"; wanted the last of the line-up first: {'yes' if given_up and last_first else 'NO'}",
        figure(f"{name}, cameras that stay", [len(outcome.rates)], "cameras"),
        *_figures(name, outcome),
    ]


def _settle(node: Node) -> list[str]:
    """Wait until nobody is given up or taken back any more. Who was, one after another."""
    order: list[str] = []
    began = changed = time.monotonic()
    while (now := time.monotonic()) - changed < SETTLED_S:
        if now - began > SETTLES_WITHIN_S:
            print(f"  not settled after {SETTLES_WITHIN_S:.0f} s")
            break
        node.check()
        shed = [r.camera for r in node.report() if r.condition is Condition.SHED]
        remembered = [camera for camera in order if camera in shed]
        remembered += [camera for camera in reversed(shed) if camera not in remembered]
        if remembered != order:
            order, changed = remembered, now
        time.sleep(0.5)
    return order


def _figures(name: str, outcome: Outcome) -> list[str]:
    used, rates = outcome.used, list(outcome.rates.values())
    lost = sum(outcome.dropped.values())
    causes = ", ".join(f"{cause} {n}" for cause, n in sorted(outcome.dropped.items())) or "none"
    engine, decoders = used.engine_s / outcome.seconds, used.decoders_s / outcome.seconds
    busy = f"busy cores (engine {engine:.2f}, decoders {decoders:.2f})"
    return [
        figure(f"{name}, analysed a second, slowest camera", [min(rates)], "frames", PER_S),
        figure(f"{name}, drops ({causes})", [lost], "frames", NO_DROP),
        figure(f"{name}, frame to signal, p50", [outcome.p50_s], "s"),
        figure(f"{name}, frame to signal, p95 of the worst camera", [outcome.p95_s], "s", WITHIN_S),
        figure(
            f"{name}, frame to signal, p95 of the worst five seconds", [outcome.worst_window_s], "s"
        ),
        figure(f"{name}, CPU", [engine + decoders], busy),
    ]


def _summary(outcome: Outcome) -> str:
    cores = outcome.used.all_s / outcome.seconds
    word = "carried" if outcome.carried else "not carried"
    return (
        f"{word}, slowest {outcome.slowest:.2f} a second, drops {outcome.dropped or 'none'}, "
        f"p95 {1000 * outcome.p95_s:.0f} ms, {cores:.2f} cores, given up {len(outcome.shed)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cameras", type=int, help="8 of 1080p25, 18 of 360p25")
    parser.add_argument("--size", choices=media.SIZES, default="1080p25")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--find", action="store_true", help="the largest number that is carried")
    parser.add_argument("--beyond", action="store_true", help="twice as many, if not said")
    asked = parser.parse_args()
    use_cores(asked.cores)
    size, detectors = media.SIZES[asked.size], Detectors(decide().choice)
    print("\n".join([*description(), f"detector: {detectors.choice}"]), flush=True)
    if asked.find:
        print(find(size, asked.seconds, detectors))
        return
    number = asked.cameras or NUMBERS[size.name] * (2 if asked.beyond else 1)
    if asked.beyond:
        print("\n".join(beyond(number, size, asked.seconds, detectors)))
        return
    outcome = carry(number, size, asked.seconds, detectors)
    name = f"{size.name} x {number}"
    print("\n".join(_figures(name, outcome)))
    print(
        f"{name}: {'carried' if outcome.carried else 'NOT CARRIED'}; wanted carried: "
        f"{'yes' if outcome.carried else 'NO'}"
    )


if __name__ == "__main__":
    main()

"""Cuts between a console and its screens, and what each screen claimed meanwhile (D03).

Between each browser window and the console stands a `Wire` that can be cut; a recorder in the page
notes, by the clock that both have, when the page said that it is stale, how its pictures looked,
and which changes of incidents it was told. Afterwards `faults` compares that with the store.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.console_stand import CHROMIUM, FLAGS, Stand, stand
from tests.desk import VIEW, picture
from veilleur.console.wall import Wall
from veilleur.engine.seen import Boxes, Snapshot
from veilleur.incidents.incident import State
from veilleur.store import outbox
from veilleur.store.outbox import OutboxRow

STALE_WITHIN_S = 5.0
"""D03: so soon a screen that is cut off says so."""
BACK_WITHIN_S = 15.0
"""So soon a screen whose connection is whole again is up to date, at the latest."""
SHORTEST_TOLD_S = 5.5
"""A cut that is over before need not be told."""
GATHERED_S = 0.6
"""A page gathers news for a moment before it says them."""
LANGUAGE_STALE = "Not up to date since "


class Kind(StrEnum):
    """How a screen is cut off."""

    SERVER = "server stopped"  # all screens at once
    RESET = "connection cut"  # every connection is reset, new ones are refused
    STALL = "stream stalled"  # connections stay and are silent, new ones too
    BLIP = "connection reset"  # every connection is reset, new ones work at once
    OFFLINE = "browser offline"
    ASLEEP = "laptop asleep"  # every process of the browser stands still
    AWAY = "asleep, and its connections gone"


CUT_OFF = (Kind.SERVER, Kind.RESET, Kind.STALL, Kind.OFFLINE)
"""In these nothing reaches a page that runs: it has to say so."""


class Wire:
    """TCP from a port of its own to the console, in a thread of its own."""

    def __init__(self, to_port: int) -> None:
        self._to, self._refusing = to_port, False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result()
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _begin(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", 0)

    def reset(self, *, refusing: bool = False) -> None:
        """Every connection ends with an RST; refusing: every new one, too, until `mend`."""
        self._call(lambda: self._reset(refusing))

    def stall(self) -> None:
        """No byte passes any more, in old connections and in new ones."""
        self._call(self._flowing.clear)

    def mend(self) -> None:
        self._call(self._mend)

    def close(self) -> None:
        async def end() -> None:
            self._server.close()
            self._mend()
            self._reset(refusing=True)
            await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, act: Callable[[], object]) -> None:
        """At once, and done when it returns."""

        async def acted() -> None:
            act()

        asyncio.run_coroutine_threadsafe(acted(), self._loop).result()

    def _mend(self) -> None:
        self._refusing = False
        self._flowing.set()

    def _reset(self, refusing: bool) -> None:
        self._refusing = refusing
        for writer in list(self._writers):
            writer.transport.abort()

    async def _connected(self, down: asyncio.StreamReader, up: asyncio.StreamWriter) -> None:
        if self._refusing:
            up.transport.abort()
            return
        try:
            from_console, to_console = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            up.transport.abort()
            return
        both = {up, to_console}
        self._writers |= both
        try:
            await asyncio.gather(self._pump(down, to_console), self._pump(from_console, up))
        finally:
            self._writers -= both
            for writer in both:
                writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
            await self._flowing.wait()
            writer.close()
        except OSError:
            writer.transport.abort()


RECORDER = """
addEventListener("DOMContentLoaded", async () => {
  const told = [], looks = [], said = [];
  window.cuts = { told, looks, said, late: 0, born: Date.now() };
  const { feed } = await import("/static/feed.js");
  feed.addEventListener("incident", ({ detail }) =>
    told.push([detail.number, detail.id, detail.revision, Date.now()]));
  const live = document.querySelector("[data-live]");
  new MutationObserver(() => said.push(live.textContent)).observe(live, { childList: true });
  let before = performance.now();
  const grey = (image) => getComputedStyle(image).filter.includes("grayscale(1)");
  setInterval(() => {
    const now = performance.now();
    cuts.late = Math.max(cuts.late, now - before - 100);
    before = now;
    const stale = document.querySelector("[data-banner=stale]")?.textContent ?? "";
    const seen = (what) => [...document.querySelectorAll(what)].filter((e) => e.checkVisibility());
    const [images, ages] = [seen("main img, main video"), seen("[data-taken-age]")];
    const look = { stale, coloured: images.filter((e) => !grey(e)).length, pictures: images.length,
      ageless: ages.filter((e) => !e.textContent).length };
    const last = looks.at(-1);
    if (!last || Object.keys(look).some((name) => last[name] !== look[name]))
      looks.push({ ...look, at: Date.now() });
  }, 100);
});
"""
ROWS = ", ".join(
    f"[data-queue] a[data-incident][data-state={state}]" for state in ("open", "taken")
)
SHOWN = f"""() => ({{
  ...window.cuts,
  waiting: [...document.querySelectorAll("{ROWS}")].map((e) => e.dataset.incident),
  count: Number(document.querySelector("[data-waiting]").textContent || 0),
  fresh: !document.body.classList.contains("stale"),
  open: document.querySelector("article[data-shown]")?.dataset.shown ?? null,
  state: document.querySelector("article[data-shown]")?.dataset.state ?? null,
}})"""


@dataclass(frozen=True, slots=True)
class Cut:
    """What was done to one screen. began, ended: seconds since 1970."""

    screen: str
    kind: Kind
    began: float
    ended: float

    @property
    def lasted_s(self) -> float:
        return self.ended - self.began


@dataclass
class Victim:
    """One window behind a wire of its own. pid: of its browser, where it alone is in it."""

    name: str
    page: Page
    wire: Wire
    context: BrowserContext
    laptop: int = 0
    asleep: bool = False

    def shown(self) -> dict[str, Any]:
        seen = self.page.evaluate(SHOWN)
        assert isinstance(seen, dict)
        return seen

    def sleep(self) -> None:
        """As with the lid closed: no process of the browser runs."""
        self.asleep = True
        for pid in _family(self.laptop):
            os.kill(pid, signal.SIGSTOP)

    def wake(self) -> None:
        for pid in _family(self.laptop):
            os.kill(pid, signal.SIGCONT)
        self.asleep = False


def laptop_flag(number: int) -> str:
    """An argument by which a browser of ours is found among processes; it means nothing."""
    return f"--veilleur-laptop={os.getpid()}-{number}"


def browser_pid(flag: str) -> int:
    """The main process of the browser that was started with it."""
    for folder in Path("/proc").iterdir():
        arguments = _arguments(folder) if folder.name.isdigit() else []
        if flag in arguments and not any(one.startswith("--type=") for one in arguments):
            return int(folder.name)
    raise AssertionError(f"no browser with {flag}")


def _arguments(folder: Path) -> list[str]:
    try:
        return (folder / "cmdline").read_text().split("\0")
    except OSError:
        return []


def _family(root: int) -> list[int]:
    """A process and all that come from it."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


# ---------------------------------------------------------------------- a round
Planned = tuple[float, Callable[[], None]]
"""Seconds from the beginning of a round, and what is done then."""


@dataclass
class Trial:
    """Rounds of cuts at random moments, while alerts come, are taken and decided."""

    stand: Stand
    victims: list[Victim]
    random: Random
    after: int = 0  # the outbox's last number when it began
    cuts: list[Cut] = field(default_factory=list)
    committed: dict[int, float] = field(default_factory=dict)  # number of the outbox: when
    woke: dict[str, list[tuple[float, float]]] = field(default_factory=dict)  # asleep from, to
    back_s: list[float] = field(default_factory=list)
    made: list[UUID] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.after = max(row.id for row in self.rows())

    def round(self) -> None:
        """Each screen is cut once, somehow, at a moment of its own."""
        self._run([act for victim in self.victims for act in self._cut(victim, self._any(victim))])

    def stop(self) -> None:
        """All are cut by one stop of the server."""
        self._run(self._stopped())

    def each(self, *kinds: Kind) -> None:
        """One of these for each screen, for longer than need not be told."""
        pairs = zip(self.victims, kinds, strict=True)
        plan = [act for victim, kind in pairs for act in self._cut(victim, kind, short=False)]
        self._run(plan)

    def _any(self, victim: Victim) -> Kind:
        kinds = [Kind.RESET, Kind.STALL, Kind.BLIP, Kind.OFFLINE]
        if victim.laptop:
            kinds += [Kind.ASLEEP, Kind.AWAY] * 2
        return self.random.choice(kinds)

    def _run(self, plan: list[Planned]) -> None:
        last = max(at for at, _ in plan)
        for _ in range(self.random.randint(3, 6)):
            plan.append((self.random.uniform(0, last + 1), self._news))
        begin = time.time()
        for at, act in sorted(plan, key=lambda one: one[0]):
            wait_until(begin + at)
            act()
        self._back(time.time())

    def _stopped(self) -> list[Planned]:
        began, lasts = self.random.uniform(0.2, 2), self.random.uniform(1, 8)
        at = [0.0]

        def down() -> None:
            at[0] = time.time()
            self.stand.down()

        def up() -> None:
            self.stand.up()
            self.cuts += [Cut(v.name, Kind.SERVER, at[0], time.time()) for v in self.victims]

        return [(began, down), (began + lasts, up)]

    def _cut(self, victim: Victim, kind: Kind, *, short: bool | None = None) -> list[Planned]:
        began = self.random.uniform(0.2, 2.5)
        if short is None:
            short = kind is Kind.BLIP or self.random.random() < 0.25
        lasts = self.random.uniform(0.05, 4) if short else self.random.uniform(5.6, 8.5)
        at = [0.0]

        def cut() -> None:
            at[0] = time.time()
            _cut_off(victim, kind)

        def mend() -> None:
            ended = time.time()
            _mended(victim, kind)
            self.cuts.append(Cut(victim.name, kind, at[0], ended))
            if kind in (Kind.ASLEEP, Kind.AWAY):
                self.woke.setdefault(victim.name, []).append((at[0], time.time()))

        return [(began, cut), (began + lasts, mend)]

    # ------------------------------------------------------------------ what happens meanwhile
    def _news(self) -> None:
        """An alert comes, or somebody takes or decides one."""
        people, waiting = self.stand.house.desk.people, self.stand.waiting()
        if len(waiting) < 3 or (len(waiting) < 12 and self.random.random() < 0.6):
            camera = self.random.choice(("gate", "dock"))
            self.made.append(self.stand.alert(camera, rule=f"rule-{len(self.made)}"))
        else:
            one = self.random.choice(waiting)
            if one.state is State.OPEN:
                people.take(one.id, "supervisor", None)
            elif one.taker == "supervisor":
                people.decide(one.id, "supervisor", None, confirmed=False, reason="light")
        self.note()

    def note(self) -> None:
        """When each row of the outbox was there at the latest."""
        for row in self.rows():
            self.committed.setdefault(row.id, time.time())

    def rows(self) -> list[OutboxRow]:
        with self.stand.house.desk.database.read() as r:
            return outbox.after(r, self.after, 100_000, None)

    def _back(self, mended: float) -> None:
        """Until every screen says that it is up to date and shows what waits."""
        self.note()
        waiting = {str(one.id) for one in self.stand.waiting()}
        open_ = sum(one.state is State.OPEN for one in self.stand.waiting())
        for victim in self.victims:
            end = mended + BACK_WITHIN_S
            while True:
                seen = victim.shown()
                here = "queue" not in victim.name or set(seen["waiting"]) == waiting
                told = {row[0] for row in seen["told"]} >= set(self.committed)
                if seen["fresh"] and here and told and seen["count"] == open_:
                    break
                assert time.time() < end, (victim.name, seen, waiting, self.cuts[-4:])
                wait_until(time.time() + 0.05)
            self.back_s.append(time.time() - mended)
        wait_until(time.time() + GATHERED_S)


def _cut_off(victim: Victim, kind: Kind) -> None:
    wire = victim.wire
    if kind in (Kind.ASLEEP, Kind.AWAY):
        victim.sleep()
    if kind is Kind.OFFLINE:  # as Chromium has it, streams that are open go on
        victim.context.set_offline(True)
    if kind in (Kind.STALL, Kind.OFFLINE):
        wire.stall()
    if kind in (Kind.RESET, Kind.BLIP, Kind.AWAY):
        wire.reset(refusing=kind is Kind.RESET)


def _mended(victim: Victim, kind: Kind) -> None:
    victim.wire.mend()
    if kind in (Kind.ASLEEP, Kind.AWAY):
        victim.wake()
    if kind is Kind.OFFLINE:
        victim.context.set_offline(False)


def wait_until(at: float) -> None:
    threading.Event().wait(max(0.0, at - time.time()))


# ---------------------------------------------------------------------- what was wrong
@dataclass(frozen=True, slots=True)
class Outcome:
    """faults: in words; [] where all is well. stale_s: from each long cut to the words on the
    screen. changes: of incidents, that every screen had to be told once."""

    faults: list[str]
    stale_s: list[float]
    kinds: Counter[Kind]
    changes: int
    alerts: int
    late_s: float


def outcome(trial: Trial) -> Outcome:
    faults: list[str] = []
    stale_s: list[float] = []
    late = 0.0
    for victim in trial.victims:
        seen = victim.shown()
        awake = _awake_lateness(trial, victim, float(seen["late"]) / 1000)
        late = max(late, awake)
        mine = [cut for cut in trial.cuts if cut.screen == victim.name]
        for cut in mine:
            if cut.kind in CUT_OFF and cut.lasted_s >= SHORTEST_TOLD_S:
                took = _until_stale(seen["looks"], cut)
                stale_s.append(took)
                if took > STALE_WITHIN_S + awake:
                    faults.append(f"{victim.name}: {cut.kind.value}: stale after {took:.2f} s")
        faults += [f"{victim.name}: {words}" for words in _lies(trial, victim, seen, awake)]
        faults += [f"{victim.name}: {words}" for words in _lost(trial, seen)]
        faults += [f"{victim.name}: {words}" for words in _pictures(seen)]
    kinds = Counter(cut.kind for cut in trial.cuts)
    return Outcome(faults, stale_s, kinds, len(trial.committed), len(trial.made), late)


def _awake_lateness(trial: Trial, victim: Victim, late_s: float) -> float:
    """By how much the page's own timers were late, because the machine is busy: it can't say
    anything sooner. A laptop that sleeps is late by that, which says nothing."""
    return 0.25 if trial.woke.get(victim.name) else max(0.0, late_s)


def _stale_at(looks: list[dict[str, Any]], at: float) -> bool:
    before = [look for look in looks if look["at"] / 1000 <= at]
    return bool(before and before[-1]["stale"])


def _until_stale(looks: list[dict[str, Any]], cut: Cut) -> float:
    """Seconds; infinite where it never said so while it was cut off."""
    if _stale_at(looks, cut.began):
        return 0.0
    for look in looks:
        at = look["at"] / 1000
        if cut.began <= at <= cut.ended + 0.1 and look["stale"].startswith(LANGUAGE_STALE):
            return float(at - cut.began)
    return float("inf")


def _lies(trial: Trial, victim: Victim, seen: dict[str, Any], late_s: float) -> list[str]:
    """A change that is older than 5 s, unknown to a screen that runs and claims to be up to date.
    The time asleep does not count."""
    told = {number: at / 1000 for number, _, _, at in reversed(seen["told"])}
    found = []
    for number, at in trial.committed.items():
        due = at + STALE_WITHIN_S + late_s
        for slept, woke in trial.woke.get(victim.name, []):
            if slept - STALE_WITHIN_S <= at <= woke:
                due = max(due, woke + STALE_WITHIN_S + late_s)
        if told.get(number, float("inf")) > due and not _stale_at(seen["looks"], due):
            found.append(f"change {number} unknown after 5 s, and not a word of it")
    return found


def _lost(trial: Trial, seen: dict[str, Any]) -> list[str]:
    numbers = [number for number, *_ in seen["told"]]
    found = []
    if doubled := [number for number, times in Counter(numbers).items() if times > 1]:
        found.append(f"told more than once: {doubled}")
    if lost := sorted(set(trial.committed) - set(numbers)):
        found.append(f"never told: {lost}")
    if numbers != sorted(numbers):
        found.append("told out of order")
    if doubled := [one for one, times in Counter(seen["waiting"]).items() if times > 1]:
        found.append(f"twice in the queue: {doubled}")
    found += _announcements(trial, seen)
    return found


def _announcements(trial: Trial, seen: dict[str, Any]) -> list[str]:
    """Each alert is announced once; one that was taken before a screen was back need not be."""
    open_ = sum(one.state is State.OPEN and one.id in trial.made for one in trial.stand.waiting())
    announced = sum(map(_announced, seen["said"]))
    if open_ <= announced <= len(trial.made):
        return []
    return [f"{announced} alerts announced: {len(trial.made)} came, {open_} of them are open"]


def _announced(words: str) -> int:
    """How many new alerts a text of the live region speaks of."""
    if words.startswith("New alert"):
        return 1
    return int(words.split()[0]) if words.endswith("new alerts") else 0


def _pictures(seen: dict[str, Any]) -> list[str]:
    found = []
    for look in seen["looks"]:
        if look["stale"] and look["coloured"]:
            found.append(f"stale, and {look['coloured']} of {look['pictures']} pictures in colour")
        if look["stale"] and look["ageless"]:
            found.append("stale, and a picture without its age")
    return sorted(set(found))


def opened(browser: Browser, stand: Stand, name: str, path: str, laptop: int = 0) -> Victim:
    """A window of the operator's behind a wire."""
    wire = Wire(stand.port)
    context = browser.new_context(viewport={"width": 1280, "height": 720}, locale="en-GB")
    context.add_init_script(RECORDER)
    address = f"http://127.0.0.1:{wire.port}"
    secret = stand.house.session("operator")
    context.add_cookies([{"name": stand.house.cookie, "value": secret, "url": address}])
    page = context.new_page()
    page.goto(address + path)
    page.wait_for_selector(".life[data-state=well]")
    page.wait_for_function("window.cuts !== undefined")
    return Victim(name, page, wire, context, laptop)


# ---------------------------------------------------------------------- all of it
PULSE_S = 1.0  # as a desk's own
CI, LONG = 12, 100
STOPS = 0.15
"""Share of the rounds in which the server is stopped."""


def snapshot(camera: str) -> Snapshot:
    none = np.zeros((0, 4), np.float32)
    return Snapshot(camera, picture(), VIEW, Boxes(none, none, none), datetime.now(UTC), 0.0)


@contextmanager
def trial(folder: Path, seed: int) -> Iterator[Trial]:
    """Three windows on a computer of their own, each doing something else, and a laptop."""
    flag = laptop_flag(seed)
    with stand(folder, pulse_s=PULSE_S) as place, sync_playwright() as playwright:
        place.house.app.state.wall = Wall(snapshot)
        first = place.alert()
        room = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        lap = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, flag])
        victims = [
            opened(room, place, "queue", "/"),
            opened(room, place, "queue with an alert", f"/incidents/{first}"),
            opened(room, place, "wall", "/cameras"),
            opened(lap, place, "queue on a laptop", f"/incidents/{first}", browser_pid(flag)),
        ]
        try:
            yield Trial(place, victims, Random(seed))
        finally:
            for victim in victims:
                if victim.asleep:
                    victim.wake()
                victim.context.close()
                victim.wire.close()
            room.close()
            lap.close()


def told(found: Outcome) -> str:
    kinds = ", ".join(f"{kind.value} {found.kinds[kind]}" for kind in Kind if found.kinds[kind])
    slowest = max(found.stale_s, default=0.0)
    return (
        f"{sum(found.kinds.values())} cuts ({kinds}); {found.alerts} alerts, {found.changes} "
        f"changes; stale after {slowest:.2f} s at most of {len(found.stale_s)} long ones"
    )


def hundred(folder: Path, seed: int, cuts: int) -> tuple[Outcome, list[float]]:
    """So many cuts, each screen's in a round; and how long the screens took to be back."""
    with trial(folder, seed) as made:
        while len(made.cuts) < cuts:
            if made.random.random() < STOPS:
                made.stop()
            else:
                made.round()
        return outcome(made), made.back_s


def main() -> None:
    """python -m tests.console_cuts [--cuts 100] [--seed 2]"""
    asked = argparse.ArgumentParser(description=main.__doc__)
    asked.add_argument("--cuts", type=int, default=LONG)
    asked.add_argument("--seed", type=int, default=2)
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found, back_s = hundred(Path(folder), wanted.seed, wanted.cuts)
    for words in found.faults:
        print(words)
    print(f"{told(found)}; back after {max(back_s):.1f} s at most; {len(found.faults)} faults")
    sys.exit(bool(found.faults))


if __name__ == "__main__":
    main()

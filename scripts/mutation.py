"""Break the rules one condition at a time and see whether a test fails.

    python scripts/mutation.py                     all of events/, or what is left of it
    python scripts/mutation.py --anew heading      this file again
    python scripts/mutation.py --survivors         only those that no test noticed, again
    python scripts/mutation.py --report            writes docs/mutation.md from what is known

mutmut makes the mutants ([tool.mutmut] says of what, and which tests are asked) and keeps the
results: `mutmut show NAME` and `mutmut browse` work. The running is done here, because one start
of pytest for each of thousands of mutants takes most of a day: the tests are collected once, each
mutant is a fork of that process, and runs first the tests that noticed its neighbours.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from random import Random

import mutmut.mutation.trampoline as trampoline
import pytest
from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants
from mutmut.configuration import config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.state import state
from mutmut.utils.file_utils import setup_source_paths, walk_mutatable_files
from mutmut.utils.format_utils import mangled_name_from_mutant_name

from mutation_report import is_text, known, write

Passes = Mapping[str, tuple[float, list[str]]]
"""Of each test: how long it takes, in seconds, and the functions it passes through."""
SEED = 8
SURVIVED, KILLED, NO_TEST, TEXT = 0, 1, 33, 34
OBJECTS = (
    "abandoned_object",
    "abandoned_limits",
    "attendance",
    "things",
    "yardstick",
    "held",
    "verdicts",
)
CROWDS = "crowd_movement", "throng", "movers", "usual", "currents"
FALLS = "person_on_ground", "lowered"
WAYS = "wrong_way", "course", "heading", "verdicts"
COUNTS = "density", "crowding", "held", "verdicts"
ZONES = "forbidden_zone", "crossing", "held", "verdicts"
SETTINGS = "rule_mistakes", "recording", "wording", "site"
ASKED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("abandoned_object", "attendance", "things", "yardstick"), OBJECTS),
    **dict.fromkeys(("crowd_movement", "movers", "throng", "usual"), CROWDS),
    **dict.fromkeys(("lowered", "person_on_ground"), FALLS),
    **dict.fromkeys(("course", "heading", "wrong_way"), WAYS),
    **dict.fromkeys(("crowding", "density"), COUNTS),
    **dict.fromkeys(("crossing", "forbidden_zone", "held"), ZONES),
    **dict.fromkeys(("mistakes", "recording", "registry"), SETTINGS),
    "fire": ("fire",),
    "schedule": ("schedule",),
    **dict.fromkeys(("shown", "weapon"), ("weapon", "shown")),
}
"""Of each file, the tests (tests/test_*.py) that must notice: its rule's own."""
PATIENCE = 5.0
"""A mutant may take so many times as long as the tests take that are asked, and half a minute."""


@dataclass
class Asked:
    """What one mutant's fork was started with."""

    name: str
    data: SourceFileMutationData
    started: float
    answer: int


@dataclass
class Coverage:
    """Which tests pass through a function, how long each takes, and which noticed something."""

    tests: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    seconds: dict[str, float] = field(default_factory=dict)
    noticed: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def order(self, mutant: str) -> list[str]:
        """The tests to ask, those first that noticed mutants of the same function or file."""
        function = mangled_name_from_mutant_name(mutant)
        near, file = self.noticed[function], self.noticed[function.rpartition(".")[0]]

        def promise(test: str) -> tuple[float, float]:
            seconds = self.seconds[test] + 0.02
            return -(10 * near[test] + file[test]) / seconds, seconds

        own = {f"tests/test_{name}.py" for name in ASKED[function.split(".")[-2]]}
        tests = [test for test in self.tests[function] if test.partition("::")[0] in own]
        return sorted(tests, key=promise)

    def learn(self, mutant: str, test: str) -> None:
        function = mangled_name_from_mutant_name(mutant)
        self.noticed[function][test] += 1
        self.noticed[function.rpartition(".")[0]][test] += 1


class Mutation:
    """A plugin of pytest: instead of running the tests once, runs them for each mutant."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._coverage = Coverage()
        self._running: dict[int, Asked] = {}
        self._failed: str | None = None

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        self._coverage = self._cover(items)
        for number, (name, of) in enumerate(_left(self._options)):
            while len(self._running) >= self._options.workers:
                self._wait()
            if number % 50 == 0:
                print(f"{time.strftime('%H:%M:%S')} {number}: {name}", file=sys.stderr, flush=True)
            self._start(name, of, items)
        while self._running:
            self._wait()
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed = report.nodeid

    def _cover(self, items: dict[str, pytest.Item]) -> Coverage:
        """Asks in a fork, so that nothing the tests keep in memory is kept for the mutants."""
        into = Path("coverage.json")
        kept = _kept(into, items)
        if (pid := os.fork()) == 0:
            _hush(next(iter(items.values())))
            os._exit(self._count(items, kept, into))
        _, status = os.waitpid(pid, 0)
        if status:
            told = into.read_text(encoding="utf-8") if into.exists() else "nothing was written"
            raise SystemExit(f"a test fails without any mutant: {told}")
        coverage = Coverage()
        for name, (seconds, functions) in json.loads(into.read_text(encoding="utf-8")).items():
            coverage.seconds[name] = seconds
            for function in functions:
                coverage.tests[function].append(name)
        return coverage

    def _count(self, items: dict[str, pytest.Item], kept: Passes, into: Path) -> int:
        passes = dict(kept)
        trampoline.get_mutant_under_test = lambda: "stats"
        for name, following in _pairs([name for name in items if name not in kept]):
            state()._stats.clear()
            started = time.process_time()
            _run(items[name], items.get(following))
            if self._failed:
                into.write_text(self._failed, encoding="utf-8")
                return 1
            passes[name] = time.process_time() - started, sorted(state()._stats)
        into.write_text(json.dumps(passes), encoding="utf-8")
        return 0

    def _start(self, name: str, of: SourceFileMutationData, items: dict[str, pytest.Item]) -> None:
        tests = self._coverage.order(name)
        if not tests:
            _keep(of, name, NO_TEST)
            return
        limit_s = int(30 + PATIENCE * sum(self._coverage.seconds[test] for test in tests))
        answer, told = os.pipe()
        if (pid := os.fork()) == 0:
            _hush(items[tests[0]])
            resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s + 1))
            signal.alarm(10 * limit_s)
            trampoline.get_mutant_under_test = lambda: name
            os._exit(self._judge(tests, items, told))
        os.close(told)
        self._running[pid] = Asked(name, of, time.monotonic(), answer)

    def _judge(self, tests: Sequence[str], items: dict[str, pytest.Item], told: int) -> int:
        for test, following in _pairs(tests):
            _run(items[test], items.get(following))
            if self._failed:
                os.write(told, self._failed.encode())
                return KILLED
        return SURVIVED

    def _wait(self) -> None:
        pid, status = os.wait()
        asked = self._running.pop(pid)
        with os.fdopen(asked.answer) as answer:
            test = answer.read()
        code = os.waitstatus_to_exitcode(status)
        if code == KILLED and test:
            self._coverage.learn(asked.name, test)
        asked.data.durations_by_key[asked.name] = time.monotonic() - asked.started
        _keep(asked.data, asked.name, code if code >= 0 else -signal.SIGXCPU)


def _pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    return zip(names, [*names[1:], ""], strict=True)


def _run(item: pytest.Item, following: pytest.Item | None) -> None:
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def _hush(item: pytest.Item) -> None:
    item.config.pluginmanager.unregister(name="terminalreporter")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _kept(into: Path, items: Iterable[str]) -> Passes:
    """What was counted before of tests that are as they were, if the code is too."""
    if not into.exists():
        return {}
    counted = into.stat().st_mtime
    changed = {str(path) for path in _sources() if path.stat().st_mtime > counted}
    if any(not path.startswith("tests/test_") for path in changed):
        return {}
    passes: Passes = json.loads(into.read_text(encoding="utf-8"))
    return {
        name: passes[name]
        for name in items
        if name in passes and name.partition("::")[0] not in changed
    }


def _sources() -> Iterator[Path]:
    yield from (path for place in ("src", "tests") for path in Path(place).rglob("*.py"))


def _data(path: Path) -> SourceFileMutationData:
    data = SourceFileMutationData(path=Path(path))
    data.load()
    return data


def _left(options: argparse.Namespace) -> Iterator[tuple[str, SourceFileMutationData]]:
    """Mutants to ask, in files that are wanted, by chance and in turns of the files.

    So what is known of each file is a fair sample of it, whenever the run is broken off.
    """
    with chdir(".."):
        files = [_data(path) for path in walk_mutatable_files()]
    asked = (SURVIVED, NO_TEST) if options.survivors else (None,)
    wanted = {*options.files, *options.anew}
    chance, turns = Random(SEED), []
    for data in files:
        if not wanted or Path(data.path).stem in wanted:
            names = [name for name, code in data.exit_code_by_key.items() if code in asked]
            chance.shuffle(names)
            turns.append([(name, data) for name in names[: options.most]])
    for turn in zip_longest(*turns):
        yield from (one for one in turn if one is not None)


def _keep(data: SourceFileMutationData, name: str, code: int) -> None:
    data.exit_code_by_key[name] = code
    with chdir(".."):
        data.save()


def _make(options: argparse.Namespace) -> None:
    """Writes the mutants, and forgets what is to be asked again."""
    copy_src_dir()
    copy_also_copy_files()
    setup_source_paths()
    create_mutants(1)
    for path in walk_mutatable_files():
        data = _data(path)
        for mutant in known(path):
            code = data.exit_code_by_key[mutant.name]
            if path.stem in options.anew:
                code = None
            data.exit_code_by_key[mutant.name] = TEXT if is_text(mutant) else code
        data.save()


def _options() -> argparse.Namespace:
    read = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    read.add_argument("files", nargs="*", help="names of files of events/, without .py")
    read.add_argument("--anew", nargs="+", default=[], metavar="FILE", help="from nothing")
    read.add_argument("--survivors", action="store_true", help="survivors are asked again")
    read.add_argument("--report", action="store_true", help="only writes what is known")
    read.add_argument("--most", type=int, default=100_000, help="so many of each file, by chance")
    read.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    return read.parse_args()


def _ask(options: argparse.Namespace) -> None:
    arguments = ["--rootdir=.", "-p", "no:cacheprovider", "--hypothesis-seed=0", "-q"]
    arguments += config().pytest_add_cli_args
    wanted = {name for names in ASKED.values() for name in names}
    arguments += sorted(f"tests/test_{name}.py" for name in wanted)
    with chdir("mutants"):
        code = pytest.main(arguments, [Mutation(options)])
    if code != pytest.ExitCode.OK:
        raise SystemExit(f"pytest ended with {code!r}")


def main() -> None:
    options = _options()
    if not options.report:
        _make(options)
        _ask(options)
    write(list(walk_mutatable_files()))


if __name__ == "__main__":
    main()

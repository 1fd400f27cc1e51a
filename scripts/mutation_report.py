"""What became of the mutants, as docs/mutation.md: a line for each file, and every survivor.

A reason that stands behind a survivor there is kept, as long as the same mutant survives.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.stats import status_by_exit_code

PAGE = Path("docs/mutation.md")
SEPARATOR = "ǁ"
ASIDE = ("skipped", "not checked")
LIVED = ("survived", "no tests")
NOTICED = ("killed", "timeout", "segfault")
BEGIN, END = "<!-- written by scripts/mutation.py -->", "<!-- end -->"
LITERAL = re.compile(r"[rf]*\"(?:[^\"\\]|\\.)*\"")
SAME_TYPE = "same: the numbers are of a type that holds them already"
ALIKE: tuple[tuple[str, str], ...] = (
    (r", (dtype=)?np\.(float64|int64|bool_)\b|astype\(np\.float64\)", SAME_TYPE),
    (r"strict=True", "same: both sides are made together and have one length"),
    (r"reshape\(-1, ", 'same: numpy takes any negative number as "whatever is left"'),
    (r"kind=\"stable\"", "same: only the order of equal ones, which are alike"),
)
"""What is left out or changed in mutants that are no change, and why: the first is looked for in
what stands before and is not after."""
ENTRY = re.compile(r"^- `(?P<where>[^`]+)`: (?P<what>`.*`)(?: — (?P<why>.+))?$")


@dataclass(frozen=True)
class Mutant:
    """One function with one thing in it changed."""

    name: str
    where: str
    before: str
    after: str
    status: str

    @property
    def noticed(self) -> bool:
        return self.status in NOTICED

    @property
    def what(self) -> str:
        return f"`{self.before}` → `{self.after}`"


def is_text(mutant: Mutant) -> bool:
    """Whether only a sentence was changed or left out: no condition, so it is not asked."""
    if " " not in "".join(LITERAL.findall(mutant.before)):
        return False
    return _wordless(mutant.before) == _wordless(mutant.after)


def _wordless(code: str) -> str:
    """The code without its sentences, and without the None that may stand in place of one."""
    code = LITERAL.sub(lambda found: "None" if " " in found[0] else found[0], code)
    return re.sub(r"[\s,]", "", re.sub(r"(\w+=)?\bNone\b", "", code))


def known(path: Path) -> Iterator[Mutant]:
    """The mutants of a file, with what is known of each."""
    data = SourceFileMutationData(path=path)
    data.load()
    text = (Path("mutants") / path).read_text(encoding="utf-8")
    bodies = dict(_functions(text))
    for name, code in data.exit_code_by_key.items():
        own = name.rpartition(".")[2]
        original = bodies[own.partition("__mutmut_")[0] + "__mutmut_orig"]
        before, after = _difference(original, bodies[own])
        yield Mutant(name, _where(own), before, after, status_by_exit_code[code])


def _functions(text: str) -> Iterator[tuple[str, list[str]]]:
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name:
            yield node.name, [line.strip() for line in lines[node.lineno : node.end_lineno]]


def _difference(before: Sequence[str], after: Sequence[str]) -> tuple[str, str]:
    lines = list(difflib.ndiff(before, after))
    return tuple(  # type: ignore[return-value]
        " ".join(line[2:] for line in lines if line.startswith(sign)) for sign in "-+"
    )


def _where(own: str) -> str:
    function = own.partition("__mutmut_")[0]
    if function.startswith(f"x{SEPARATOR}"):
        return function[2:].replace(SEPARATOR, ".")
    return function[2:]


def write(paths: Sequence[Path]) -> None:
    """Writes the page's own part anew; what stands around it is left."""
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    own, _, tail = rest.partition(END)
    reasons = dict(_reasons(own))
    found = {path: list(known(path)) for path in sorted(paths)}
    lines = [*_table(found, reasons), "", *_survivors(found, reasons)]
    PAGE.write_text(f"{head}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{tail}", encoding="utf-8")


def _reasons(own: str) -> Iterator[tuple[tuple[str, str, str], str]]:
    file = ""
    for line in own.splitlines():
        if line.startswith("### "):
            file = line[4:]
        elif (entry := ENTRY.match(line)) and entry["why"]:
            yield (file, entry["where"], entry["what"]), entry["why"]


def _table(
    found: dict[Path, list[Mutant]], reasons: dict[tuple[str, str, str], str]
) -> Iterator[str]:
    yield "| file | asked | noticed | score | survived | the same | sentences | not reached |"
    yield "|---|---|---|---|---|---|---|---|"
    every = [mutant for mutants in found.values() for mutant in mutants]
    same = {m.name for path, mutants in found.items() for m in mutants if _same(path, m, reasons)}
    for path, mutants in found.items():
        if mutants:
            yield _row(path.name, mutants, same)
    yield _row("**all**", every, same)
    yield ""
    share, off = _estimate([_asked(mutants) for mutants in found.values()])
    low, high = 100 * (share - off), 100 * (share + off)
    yield (
        f"Over all mutants but sentences, asked or not, each file weighing as many as it has: "
        f"{100 * share:.1f} % noticed (95 %: {low:.1f} to {high:.1f})."
    )


def _asked(mutants: Sequence[Mutant]) -> tuple[int, int, int]:
    """Of a file: mutants of conditions, those asked, those noticed."""
    asked = [m for m in mutants if m.status not in ASIDE]
    every = sum(m.status != "skipped" for m in mutants)
    return every, len(asked), sum(m.noticed for m in asked)


def _estimate(files: Sequence[tuple[int, int, int]]) -> tuple[float, float]:
    """Share noticed of all, and half the width of its 95 % interval: a stratified sample without
    replacement (Cochran, Sampling Techniques, 5.9)."""
    total = sum(every for every, asked, _ in files if asked)
    share = variance = 0.0
    for every, asked, noticed in files:
        if not asked:
            continue
        weight, p = every / total, noticed / asked
        share += weight * p
        variance += weight**2 * (1 - asked / every) * p * (1 - p) / max(asked - 1, 1)
    return share, 1.96 * variance**0.5


def _same(path: Path, mutant: Mutant, reasons: dict[tuple[str, str, str], str]) -> bool:
    """Whether a survivor changes nothing that anybody could see."""
    if mutant.status not in LIVED:
        return False
    why = reasons.get((path.name, mutant.where, mutant.what)) or _alike(mutant)
    return why.startswith("same")


def _row(name: str, mutants: Sequence[Mutant], same: set[str]) -> str:
    every, asked, noticed = _asked(mutants)
    score = f"{100 * noticed / asked:.1f} %" if asked else "-"
    alike = sum(m.name in same for m in mutants)
    counts = asked - noticed, alike, len(mutants) - every, every - asked
    return f"| {name} | {asked} | {noticed} | {score} | {' | '.join(map(str, counts))} |"


def _survivors(
    found: dict[Path, list[Mutant]], reasons: dict[tuple[str, str, str], str]
) -> Iterator[str]:
    for path, mutants in found.items():
        lived = [m for m in mutants if m.status in LIVED]
        if not lived:
            continue
        yield from (f"### {path.name}", "")
        for m in lived:
            why = reasons.get((path.name, m.where, m.what)) or _alike(m)
            yield f"- `{m.where}`: {m.what}" + (f" — {why}" if why else "")
        yield ""


def _alike(mutant: Mutant) -> str:
    for pattern, why in ALIKE:
        if len(re.findall(pattern, mutant.before)) > len(re.findall(pattern, mutant.after)):
            return why
    return ""

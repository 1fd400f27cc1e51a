"""The shape of the project, held by tests: imports, the gate, and what must not exist."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import veilleur
from veilleur.catalogue import WORDING, Event

PACKAGE = Path(veilleur.__file__).parent
ORDER = (
    "errors",
    "geometry",
    "ground",
    "yaml",
    "catalogue",
    "cameras",
    "perception",
    "events",
    "law",
    "site",
    "site_editing",
    "incidents",
    "store",
    "evidence",
    "engine",
    "desk",
    "evaluation",
    "simulation",
    "console",
    "cli",
)
"""Each imports only those before it (docs/architecture.md)."""
MODULES = sorted(PACKAGE.rglob("*.py"))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Full names of everything of ours that a module imports, wherever in the file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    own = room(path)
    if own == "__init__":
        return
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "veilleur" and len(parts) > 1 and parts[1] in ORDER:
            assert ORDER.index(parts[1]) <= ORDER.index(own), f"{own} imports {name}"


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def test_no_imports_run_in_a_circle() -> None:
    names = {module_name(path) for path in MODULES}
    needs = {module_name(path): set(imported(path)) & names for path in MODULES}
    done: set[str] = set()
    while ready := {name for name, others in needs.items() if name not in done and others <= done}:
        done |= ready
    assert names == done, f"in a circle, or behind one: {sorted(names - done)}"


def test_every_room_has_its_place() -> None:
    rooms = {room(path) for path in MODULES} - {"__init__", "demo"}
    assert rooms == set(ORDER)


def callers(method: str, of: str = "") -> set[str]:
    """Modules in which a method of this name is called, on something whose name ends with `of`."""
    return {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
        and ast.unparse(node.func.value).endswith(of)
    }


def test_a_detector_runs_only_for_a_looker_or_to_be_measured_on_embedded_pictures() -> None:
    measuring = {"perception/choice.py", "engine/assembly.py"}  # the second: a black picture
    looking = {"perception/looking.py", "perception/regions.py", "perception/tiles.py"}
    # for a sense, which only the pipeline asks, see below
    sensing = {"perception/closeup.py", "perception/spotting.py"}
    assert callers("detect") <= measuring | looking | sensing
    makers = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Looker"
    }
    assert makers == {"engine/assembly.py"}


def test_only_the_pipeline_looks_at_frames_and_it_asks_the_gate_first() -> None:
    assert callers("look", of="looker") == {"engine/pipeline.py"}
    assert callers("look", of="sense") == {"engine/pipeline.py"}
    pipeline = next(
        node
        for node in tree(PACKAGE / "engine/pipeline.py").body
        if isinstance(node, ast.ClassDef) and node.name == "Pipeline"
    )
    step, admitted = (
        next(n for n in pipeline.body if isinstance(n, ast.FunctionDef) and n.name == name)
        for name in ("step", "_admitted")
    )
    first = step.body[1]  # after the docstring
    assert isinstance(first, ast.Assign)
    assert ast.unparse(first.value) == "self._admitted(at)"
    asked = admitted.body[1]
    assert isinstance(asked, ast.Try)
    assert ast.unparse(asked.body[0]).startswith("admitted = self.gate.admit(self.camera, ")
    assert all(isinstance(handler.body[-1], ast.Raise) for handler in asked.handlers)
    assert ast.unparse(admitted.body[-1]) == "return admitted"


def test_only_the_canary_is_a_film_of_the_package() -> None:
    makers = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Embedded"
    }
    assert makers == {"desk/desk.py"}


def test_there_are_eight_events_with_their_words_in_both_languages() -> None:
    assert len(Event) == 8
    assert set(WORDING) == set(Event)
    assert all(words.french and words.english for words in WORDING.values())


FORBIDDEN = (
    "face_recognition",
    "facial",
    "reidentification",
    "re_identification",
    "embedding",
    "gait",
    "emotion",
    "license_plate",
    "numberplate",
    "watchlist",
    "ethnicity",
    "gender",
)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_what_the_law_forbids_is_absent(path: Path) -> None:
    names = {
        node.id if isinstance(node, ast.Name) else node.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Name | ast.FunctionDef | ast.ClassDef)
    } | set(imported(path))
    found = {name for name in names for word in FORBIDDEN if word in name.lower()}
    assert not found

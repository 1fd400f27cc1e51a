"""Text that is none, and text that stands for far more than it is: told at once, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from veilleur.errors import ConfigurationError
from veilleur.yaml import MOST_NODES, read_tree

PLAIN = "site: Café\ncameras:\n  - {id: gate}\n"


def refusal(path: Path, written: bytes) -> ConfigurationError:
    path.write_bytes(written)
    with pytest.raises(ConfigurationError) as caught:
        read_tree(path)
    return caught.value


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x]"]
    for n in range(levels):
        lines.append(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 8)}]")
    return "\n".join(lines)


def test_a_few_lines_of_aliases_that_stand_for_millions_are_refused_where_they_cross_the_limit(
    tmp_path: Path,
) -> None:
    """Unfolded these would be 8 to the 40th: only who counts without unfolding answers."""
    error = refusal(tmp_path / "site.yaml", bomb(40).encode())
    assert f"more than {MOST_NODES} entries" in error.message
    assert (error.line, error.column) == (6, 5)
    assert "aliases" in error.remedy


def test_as_a_key_they_are_refused_too(tmp_path: Path) -> None:
    error = refusal(tmp_path / "site.yaml", f"{bomb(40)}\n? *a40\n: x\n".encode())
    assert f"more than {MOST_NODES} entries" in error.message


def test_an_anchor_that_holds_itself_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path / "site.yaml", b"a: 1\nb: &b [*b]\n")
    assert (error.message, error.line) == ("what this anchor names holds itself", 2)


def test_a_zone_that_is_shared_by_alias_is_read(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("a: &zone [[0, 0], [1, 0], [1, 1]]\nb: *zone\nc: {<<: {d: 1}}\n")
    assert read_tree(path)["b"] == [[0, 0], [1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("written", "place", "words"),
    [
        pytest.param(PLAIN.encode("latin-1"), (1, 10), "not UTF-8", id="latin-1"),
        pytest.param(
            (PLAIN + "# caf").encode() + b"\xe9\n", (4, 6), "not UTF-8", id="one line of latin-1"
        ),
        pytest.param(PLAIN.encode("utf-16"), (1, 1), "UTF-16, not UTF-8", id="UTF-16"),
        pytest.param("site: x".encode("utf-16-le"), (1, 2), "U+0000", id="UTF-16 without its mark"),
        pytest.param(PLAIN.encode() + b"a\x00b", (4, 2), "U+0000", id="a NUL byte"),
    ],
)
def test_what_is_no_text_is_told_with_its_place(
    tmp_path: Path, written: bytes, place: tuple[int, int], words: str
) -> None:
    error = refusal(tmp_path / "site.yaml", written)
    assert (error.line, error.column) == place
    assert words in error.message
    assert "UTF-8" in error.remedy


def test_a_mark_at_the_beginning_and_lines_as_windows_ends_them_are_text(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_bytes(PLAIN.replace("\n", "\r\n").encode("utf-8-sig"))
    assert read_tree(path) == {"site": "Café", "cameras": [{"id": "gate"}]}

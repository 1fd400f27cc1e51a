"""The table in docs/access.md is the one that is enforced."""

from __future__ import annotations

from pathlib import Path

from veilleur.console.permission import PERSONAL, QUALIFIED, TABLE, Permission, Role

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "access.md"


def row(permission: Permission) -> str:
    cells = [permission in TABLE[role] for role in Role]
    cells += [permission in QUALIFIED, permission not in PERSONAL]
    return f"| {permission} | " + " | ".join("x" if cell else "" for cell in cells) + " |"


def test_the_documented_table_is_the_one_that_is_enforced() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    table = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert table == [row(permission) for permission in Permission]

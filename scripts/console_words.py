"""Bring the console's French catalogue up to date with its templates: new texts are added empty,
those that are gone are dropped. Tests fail on a text that is empty.

    python scripts/console_words.py
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

CONSOLE = Path(__file__).resolve().parents[1] / "src" / "veilleur" / "console"
CATALOGUE = CONSOLE / "locale" / "fr" / "LC_MESSAGES" / "veilleur.po"
OPTIONS = {"trimmed": "false", "newstyle_gettext": "true", "silent": "false"}


def texts() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Every text of every template, with the template's name."""
    for path in sorted((CONSOLE / "templates").rglob("*.html")):
        name = str(path.relative_to(CONSOLE / "templates"))
        with path.open("rb") as file:
            found = extract("jinja2.ext:babel_extract", file, options=OPTIONS)
            for _, message, _, _ in found:
                yield name, message


def updated(known: Catalog) -> Catalog:
    """The catalogue of all texts, with what was translated already."""
    new = Catalog(locale="fr", domain="veilleur", project="Veilleur", fuzzy=False)
    new.header_comment = "# The console in French; its texts stand in the templates."
    for place, message in texts():
        old = known.get(message if isinstance(message, str) else message[0])
        empty = "" if isinstance(message, str) else ("", "")
        new.add(message, old.string if old else empty, locations=[(place, 0)])
    return new


def main() -> None:
    known = read_po(BytesIO(CATALOGUE.read_bytes()), locale="fr")
    made = BytesIO()
    write_po(made, updated(known), width=100, sort_output=True, include_lineno=False)
    dated = (b'"POT-Creation-Date', b'"PO-Revision-Date', b'"Generated-By', b'"Last-Translator')
    kept = [line for line in made.getvalue().splitlines(True) if not line.startswith(dated)]
    CATALOGUE.write_bytes(b"".join(kept))
    empty = sum(1 for one in read_po(BytesIO(CATALOGUE.read_bytes())) if one.id and not one.string)
    print(f"{CATALOGUE.name}: {empty} texts without French")


if __name__ == "__main__":
    main()

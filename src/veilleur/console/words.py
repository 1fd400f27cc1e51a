"""The console's words: English in the code, French in a catalogue that is read at start.

Source: gettext's .po files, read by Babel; nothing is compiled, so what is in the repository is
what runs. A test fails on a text that has no French.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

DOMAIN = "veilleur"


@cache
def words(language: str) -> NullTranslations:
    """gettext and ngettext of a language; English is what stands in the code."""
    if language != "fr":
        return NullTranslations()
    path = files("veilleur.console") / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    catalogue = read_po(BytesIO(path.read_bytes()), locale=language, domain=DOMAIN)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled, domain=DOMAIN)

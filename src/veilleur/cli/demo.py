"""`veilleur demo`: the main job on the clip that comes with the package."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import as_file, files
from typing import Annotated

import typer

from veilleur.cameras.simulated import is_our_simulator
from veilleur.cli.watch import run
from veilleur.engine.lineup import line_up
from veilleur.site import load_site

FILMED = "the clip was filmed at about 7 and plays at 10 pictures a second: speeds read 1.4 x high"


def demo(
    as_json: Annotated[bool, typer.Option("--json", help="one signal a line, no table")] = False,
    french: Annotated[bool, typer.Option(help="signals and screen in French")] = False,
) -> None:
    """Watch the embedded clip: a courtyard with two zones, a one-way path and a count."""
    with suppress(KeyboardInterrupt), as_file(files("veilleur") / "demo") as folder:
        site = load_site(folder / "site.yaml")
        lineup = line_up(
            [],
            site,
            None,
            folder=folder,
            is_our_simulator=is_our_simulator,
            at=datetime.now(UTC),
        )
        lineup = replace(lineup, notes=(*lineup.notes, FILMED))
        run(lineup, as_json=as_json, language="fr" if french else "en")

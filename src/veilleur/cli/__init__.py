"""The command line: one file a command, the same words as the Python interface.

The one place where errors become text: what went wrong, and what to do next.
"""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from veilleur import __version__
from veilleur.cli.camera import app as camera
from veilleur.cli.demo import demo
from veilleur.cli.doctor import doctor
from veilleur.cli.evaluate import evaluate
from veilleur.cli.simulate import simulate
from veilleur.cli.watch import watch
from veilleur.errors import VeilleurError

app = typer.Typer(
    name="veilleur",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Watches cameras, signals eight predetermined events to a human, and nothing else.",
)
app.command()(watch)
app.command()(evaluate)
app.command()(demo)
app.command()(simulate)
app.command()(doctor)
app.add_typer(camera, name="camera")


def _version(asked: bool) -> None:
    if asked:
        print(f"veilleur {__version__}")
        raise typer.Exit


@app.callback()
def veilleur(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True),
) -> None:
    """Watches cameras, signals eight predetermined events to a human, and nothing else."""


def main() -> None:
    """Entry point. Exit codes: 0 done, 2 something is wrong that the message explains."""
    try:
        app()
    except VeilleurError as error:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"veilleur: {error}", style="bold red", markup=False)
        sys.exit(2)

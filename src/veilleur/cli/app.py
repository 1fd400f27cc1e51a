"""All commands under one name."""

from __future__ import annotations

import typer

from veilleur import __version__
from veilleur.cli.account import app as account
from veilleur.cli.audit import app as audit
from veilleur.cli.camera import app as camera
from veilleur.cli.demo import demo
from veilleur.cli.doctor import doctor
from veilleur.cli.evaluate import evaluate
from veilleur.cli.serve import serve
from veilleur.cli.simulate import simulate
from veilleur.cli.watch import watch

app = typer.Typer(
    name="veilleur",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Watches cameras, signals eight predetermined events to a human, and nothing else.",
)
app.command()(watch)
app.command()(evaluate)
app.command()(serve)
app.command()(demo)
app.command()(simulate)
app.command()(doctor)
app.add_typer(camera, name="camera")
app.add_typer(account, name="account")
app.add_typer(audit, name="audit")


def _version(asked: bool) -> None:
    if asked:
        print(f"veilleur {__version__}")
        raise typer.Exit


@app.callback()
def veilleur(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True),
) -> None:
    """Watches cameras, signals eight predetermined events to a human, and nothing else."""

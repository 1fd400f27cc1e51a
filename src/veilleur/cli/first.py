"""The way in where nobody has an account yet: a password for one sign-in, on the terminal.

While the service runs, SQLite is its own: `veilleur account add` has to wait. A password is shown
only to somebody who sits at a terminal, and never goes into a log; and only where the console is
for this machine alone, so that nobody else finds a console that waits for its first supervisor.
"""

from __future__ import annotations

from veilleur.cli.choosing import tell
from veilleur.console.administration import FIRST, Accounts
from veilleur.console.settings import Settings

BY_HAND = (
    "nobody can sign in yet: stop this service, and make an account with `veilleur account add "
    "NAME --role supervisor`, given the same --data or --database (a password for the first "
    "sign-in is shown here only on a terminal, and with a console on 127.0.0.1)"
)


def offer(accounts: Accounts, settings: Settings, *, terminal: bool) -> None:
    """To be called at each start: what an earlier start has shown opens nothing any more. terminal:
    what is told goes to somebody who sits at one."""
    if not accounts.nobodys():
        accounts.close_first()
    elif terminal and settings.local:
        password = accounts.first()
        tell(f"nobody has an account yet: sign in as {FIRST}, with the password {password}")
        tell("it is for one sign-in, and for making the accounts of people, your own first")
    else:
        accounts.close_first()
        tell(BY_HAND)

"""How far somebody reaches who sees to accounts: as far as their own cameras, and no further.

Whoever sees every camera, and the machine's owner on its command line, see to every account. A
supervisor of some cameras gives no more than those, and no role whose work knows no camera: who
supervises, reads the record or answers for data protection is chosen by others.
"""

from __future__ import annotations

from veilleur.console.permission import Permission, Role, permissions_of
from veilleur.console.refusal import NotAllowed
from veilleur.law.deed import COMMAND_LINE
from veilleur.store import accounts
from veilleur.store.accounts import Account
from veilleur.store.transaction import Reading

WIDE = frozenset({Role.SUPERVISOR, Role.DPO, Role.AUDITOR})
"""Roles that only somebody who sees every camera hands out, changes or takes away."""

Scope = frozenset[str] | None
"""Cameras; None: all of them."""


def scope_of(r: Reading, who: str) -> Scope:
    """Of the account that acts, as of now. Errors: NotAllowed: it may not see to accounts."""
    if who == COMMAND_LINE:
        return None
    actor = accounts.account(r, who)
    if actor is None or actor.disabled or not _manages(actor):
        raise NotAllowed(
            "Your role does not allow this.", "Votre rôle ne le permet pas.", cause="role"
        )
    return actor.cameras


def within(scope: Scope, account: Account) -> bool:
    """May somebody of this scope see to this account, as it is?"""
    if scope is None:
        return True
    narrow = account.cameras is not None and account.cameras <= scope
    return narrow and not account.roles & WIDE


def require(scope: Scope, account: Account) -> None:
    """Errors: NotAllowed."""
    if not within(scope, account):
        raise NotAllowed(
            "You see to accounts of your own cameras only; supervisors, data-protection officers "
            "and auditors are seen to by somebody who has every camera.",
            "Vous ne gérez que les comptes de vos propres caméras ; superviseurs, délégués à la "
            "protection des données et auditeurs le sont par quelqu’un qui a toutes les caméras.",
            cause="reach",
        )


def _manages(actor: Account) -> bool:
    roles = {Role(role) for role in actor.roles if role in set(Role)}
    return Permission.MANAGE_ACCOUNTS in permissions_of(roles, qualified=False)

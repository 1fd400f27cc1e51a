"""People for the console's tests: seven identities, without a store and without passwords."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from veilleur.console.permission import Role, permissions_of
from veilleur.console.visitor import Visitor
from veilleur.law.deed import Entry

ORIGIN = "http://127.0.0.1:8443"


def visitor(role: Role, *, qualified: bool = True, language: str = "en") -> Visitor:
    """An account of one role, its qualification in date or not, that sees every camera."""
    name = role.value if qualified else f"expired {role.value}"
    return Visitor(
        account=name,
        roles=frozenset({role}),
        permissions=permissions_of({role}, qualified=qualified),
        scope=None,
        language=language,
        csrf=f"csrf of {name}",
        session=name,
        qualified=qualified,
        laboratory=True,
    )


@dataclass
class FakeIdentities:
    """The session's secret is the account's name. `ended` holds those who signed out."""

    visitors: dict[str, Visitor] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    seen_: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        people = [visitor(role) for role in Role]
        people.append(visitor(Role.OPERATOR, qualified=False))
        self.visitors |= {person.account: person for person in people}

    def by_session(self, secret: str) -> Visitor | None:
        return None if secret in self.ended else self.visitors.get(secret)

    def by_token(self, secret: str) -> Visitor | None:
        known = self.visitors.get(secret)
        return replace(known, session="", csrf="", token=known.account) if known else None

    def again(self, visitor: Visitor) -> Visitor | None:
        return self.by_session(visitor.session)

    def seen(self, visitor: Visitor) -> None:
        self.seen_.append(visitor.account)

    def record(self, entry: Entry) -> None:
        self.entries.append(entry)

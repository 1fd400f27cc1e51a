"""Acts, orders and profiles for tests: complete ones, to be spoilt one field at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from veilleur.catalogue import Event
from veilleur.law.authorisation import Authorisation
from veilleur.law.orders import Orders, Scope, Stop, Suspension
from veilleur.law.profile import LegalProfile, Status, Verification, shipped

NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)


def act(**changes: object) -> Authorisation:
    """Everything the law wants to be told, for the camera `gate`, from NOW for a day."""
    fields: dict[str, object] = {
        "reference": "Arrêté 2026-123",
        "authority": "Préfet de police",
        "cameras": ("gate",),
        "events": (Event.FORBIDDEN_ZONE,),
        "period": {"from": NOW, "until": NOW + timedelta(days=1)},
        "controller": "Préfecture de police",
        "perimeter": "Parvis de la gare",
        "services": ("national_police",),
        "gathering": "sporting",
        "reasons": "Final, 40 000 expected",
        "notice": {"text": "These places are analysed", "told_by": ("posters",)},
    }
    return Authorisation.model_validate(fields | changes)


def verified(**changes: object) -> LegalProfile:
    """The shipped template as if a jurist had read it."""
    return LegalProfile.model_validate(
        shipped("fr-jop2030").model_dump(by_alias=True)
        | {"status": Status.VERIFIED, "verified": Verification(by="A jurist", on=date(2026, 11, 1))}
        | changes
    )


def stopped(scope: Scope, target: str = "", reason: str = "") -> Orders:
    return Orders(
        acts=Orders.of(act()).acts,
        stops=(Stop(scope=scope, target=target, who="amel", at=NOW, reason=reason),),
    )


SUSPENSION = Suspension(who="prefect", at=NOW, reason="its conditions are over")

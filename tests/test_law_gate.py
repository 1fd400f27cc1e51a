"""The gate's conditions: each closes it by itself, at once, with its article and what to do."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.acts import NOW, SUSPENSION, act, stopped, verified
from veilleur.catalogue import Event
from veilleur.engine.french import say
from veilleur.errors import ConfigurationError, NotAuthorised
from veilleur.events.wording import Language
from veilleur.law.authorisation import Authorisation, Gathering, Period
from veilleur.law.conditions import DESK, Use, authorise, faults, obstacles
from veilleur.law.gate import CONTACT_S, Embedded, Gate, Laboratory, Live, Origin
from veilleur.law.orders import Act, Orders, Scope
from veilleur.law.profile import LegalProfile, Status, read_profile, shipped
from veilleur.law.regime import Regime, covered, desk, laboratory

ZONE = {"zone": Event.FORBIDDEN_ZONE}
BOTH = {"zone": Event.FORBIDDEN_ZONE, "other": Event.FORBIDDEN_ZONE}


def desk_gate(orders: Orders, profile: LegalProfile | None = None, site: str = "") -> Gate:
    gate = Gate(
        {"gate": Live(), "yard": Live()}, desk(profile or verified()), site=site, boot=lambda: 0.0
    )
    gate.obey(orders, fresh_until=CONTACT_S)
    return gate


def why(gate: Gate, at: datetime = NOW, camera: str = "gate", rule: str = "zone") -> str:
    """The cause of the refusal, "" where there is none. A refusal always says where it is from."""
    refusal = gate.refusal(camera, rule, Event.FORBIDDEN_ZONE, at)
    if refusal is None:
        return ""
    assert refusal.article
    assert refusal.remedy
    assert refusal.camera == camera
    return refusal.cause


# ---------------------------------------------------------------------- orders
@pytest.mark.parametrize(
    ("orders", "cause"),
    [
        pytest.param(Orders.of(act()), "", id="nothing ordered"),
        pytest.param(Orders(), "no_act", id="no act at all"),
        pytest.param(Orders(acts=(Act(authorisation=act(), suspended=SUSPENSION),)), "suspended"),
        pytest.param(
            Orders(acts=(Act(authorisation=act(), suspended=SUSPENSION), Act(authorisation=act()))),
            "suspended",
            id="a copy of a suspended act is that act",
        ),
        pytest.param(
            Orders(
                acts=(
                    Act(authorisation=act(), suspended=SUSPENSION),
                    Act(authorisation=act(reference="Arrêté 2026-124")),
                )
            ),
            "",
            id="only a new act opens it again",
        ),
        pytest.param(
            Orders(acts=Orders.of(act()).acts, withdrawn=frozenset({"gate"})), "withdrawn"
        ),
        pytest.param(Orders(acts=Orders.of(act()).acts, withdrawn=frozenset({"yard"})), ""),
        pytest.param(stopped(Scope.EVERYTHING), "stopped"),
        pytest.param(stopped(Scope.CAMERA, "gate"), "stopped"),
        pytest.param(stopped(Scope.CAMERA, "yard"), "", id="another camera is stopped"),
        pytest.param(stopped(Scope.RULE, "gate/zone"), "stopped"),
        pytest.param(stopped(Scope.RULE, "yard/zone"), "", id="another camera's rule"),
        pytest.param(stopped(Scope.SITE, "square"), "stopped"),
        pytest.param(stopped(Scope.SITE, "harbour"), "", id="another site"),
        pytest.param(stopped(Scope.SITE), "stopped", id="a site without a name is this one"),
    ],
)
def test_an_order_holds_with_the_next_frame_and_no_longer_than_it_stands(
    orders: Orders, cause: str
) -> None:
    gate = desk_gate(Orders.of(act()), site="square")
    assert gate.admit("gate", ZONE, NOW) == {"zone"}
    gate.obey(orders, fresh_until=CONTACT_S)
    assert why(gate) == cause
    gate.obey(Orders.of(act()), fresh_until=CONTACT_S)
    assert gate.admit("gate", ZONE, NOW) == {"zone"}


def test_a_stopped_rule_leaves_the_others_at_work() -> None:
    gate = desk_gate(stopped(Scope.RULE, "gate/zone"))
    assert gate.admit("gate", BOTH, NOW) == {"other"}


def test_an_order_holds_whatever_its_own_time_says() -> None:
    """A clock that was set back must not make a stop one of the future."""
    gate = desk_gate(stopped(Scope.EVERYTHING))
    assert why(gate, NOW + timedelta(hours=1)) == "stopped"
    gate = desk_gate(Orders.of(act(period={"from": NOW - timedelta(days=2), "until": NOW})))
    assert why(gate, NOW - timedelta(hours=1)) == ""
    gate.obey(
        Orders(
            acts=(
                Act(
                    authorisation=act(period={"from": NOW - timedelta(days=2), "until": NOW}),
                    suspended=SUSPENSION,
                ),
            )
        ),
        fresh_until=CONTACT_S,
    )
    assert why(gate, NOW - timedelta(hours=1)) == "suspended"


def test_where_this_site_has_no_name_any_site_stopped_is_this_one() -> None:
    assert why(desk_gate(stopped(Scope.SITE, "harbour"), site="")) == "stopped"


def test_any_act_in_force_will_do_and_the_reference_is_that_ones() -> None:
    old = act(reference="old", period={"from": NOW - timedelta(days=2), "until": NOW})
    gate = desk_gate(Orders.of(act(), old))
    covering = gate.covering("gate", "zone", Event.FORBIDDEN_ZONE, NOW)
    assert covering is not None
    assert covering.reference == "Arrêté 2026-123"
    assert gate.permit("gate").reference == "old, Arrêté 2026-123"
    assert gate.permit("yard").reference == "no authorisation"


# ---------------------------------------------------------------------- contact
def test_without_contact_for_two_seconds_the_gate_closes_by_itself() -> None:
    passed = [100.0]
    gate = Gate({"gate": Live()}, desk(verified()), boot=lambda: passed[0])
    assert why(gate) == "no_contact", "closed until the first orders"
    gate.obey(Orders.of(act()), fresh_until=passed[0] + CONTACT_S)
    assert (why(gate), gate.in_contact) == ("", True)
    passed[0] += CONTACT_S - 0.01
    assert why(gate) == ""
    passed[0] += 0.01
    assert (why(gate), gate.in_contact) == ("no_contact", False)
    gate.obey(Orders.of(act()), fresh_until=passed[0] + CONTACT_S)
    assert why(gate) == ""


@pytest.mark.parametrize("hours", [-1, 1])
def test_an_act_ends_on_its_true_hour_though_the_clock_is_set(hours: int) -> None:
    passed = [0.0]
    gate = Gate({"gate": Live()}, desk(verified()), boot=lambda: passed[0])
    gate.obey(Orders.of(act()), fresh_until=1e9)
    start, step = NOW + timedelta(hours=22.5), timedelta(hours=hours)
    assert why(gate, start) == ""
    passed[0] = 3600.0
    assert why(gate, start + timedelta(hours=1) + step) == ("" if hours < 0 else "clock_in_doubt")
    passed[0] = 5400.0
    over = "clock_in_doubt" if hours < 0 else "not_in_force"
    assert why(gate, start + timedelta(hours=1.5) + step) == over, "by one opinion, by both"
    assert gate.steady.stepped_s(start + timedelta(hours=1.5) + step) == hours * 3600
    gate.steady.settle(start + timedelta(hours=1.5) + step)
    assert why(gate, start + timedelta(hours=1.5) + step) == ("" if hours < 0 else "not_in_force")


# ---------------------------------------------------------------------- two worlds
REGIMES: dict[str, Callable[[], Regime]] = {
    "a command in the laboratory": laboratory,
    "a command on real cameras": covered,
    "the laboratory's desk": lambda: desk(shipped("laboratory")),
    "the real desk": lambda: desk(verified()),
}


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("origin", [Live(), Laboratory("file"), Laboratory("simulated camera")])
@pytest.mark.parametrize("made_up", [True, False])
def test_a_laboratory_opens_no_real_camera_and_a_real_act_no_file(
    regime: str, origin: Origin, made_up: bool
) -> None:
    """Law 50: the matrix of mode, picture and act."""
    needs_act = regime != "a command in the laboratory"
    of_laboratory = "laboratory" in regime
    may = origin.laboratory == of_laboratory and (not needs_act or made_up == of_laboratory)
    if not needs_act and made_up != of_laboratory:
        may = False  # an act that stands there is not overlooked
    with nullcontext() if may else pytest.raises(NotAuthorised) as refusal:
        gate = Gate({"gate": origin}, REGIMES[regime](), boot=lambda: 0.0)
        gate.obey(Orders.of(act(laboratory=made_up)), fresh_until=1.0)
        assert gate.admit("gate", ZONE, NOW) == {"zone"}
    assert refusal is None or refusal.value.cause == "other_world"


def test_a_camera_that_comes_later_is_of_the_same_world_or_stays_outside() -> None:
    gate = Gate({}, boot=lambda: 0.0)
    gate.enter("film", Laboratory("file"))
    with pytest.raises(NotAuthorised):
        gate.enter("gate", Live())
    assert why(gate, camera="film") == ""
    assert why(gate, camera="gate") == "unknown_camera"
    gate.leave("film")
    assert why(gate, camera="film") == "unknown_camera"


# ---------------------------------------------------------------------- the law as data
def test_the_shipped_profiles_are_what_they_say() -> None:
    """Law 40."""
    assert (shipped("fr-jop2024").status, shipped("fr-jop2024").ends) == (
        Status.EXPIRED,
        date(2025, 3, 31),
    )
    assert (shipped("fr-jop2030").status, shipped("fr-jop2030").ends) == (
        Status.TEMPLATE,
        date(2027, 12, 31),
    )
    assert shipped("laboratory").laboratory
    assert all(len(shipped(name).events) == 8 for name in ("fr-jop2024", "fr-jop2030"))


@pytest.mark.parametrize(
    ("profile", "at", "cause"),
    [
        pytest.param(shipped("fr-jop2024"), NOW, "no_profile", id="the law of 2024 is over"),
        pytest.param(shipped("fr-jop2030"), NOW, "profile_not_verified", id="nobody has read it"),
        pytest.param(verified(), NOW, "", id="read by a jurist"),
        pytest.param(
            verified(until=date(2026, 12, 1)),
            datetime(2026, 12, 1, 22, 59, tzinfo=UTC),
            "",
            id="its last minute, in Paris",
        ),
        pytest.param(
            verified(until=date(2026, 12, 1)),
            datetime(2026, 12, 1, 23, 0, tzinfo=UTC),
            "no_profile",
            id="midnight in Paris",
        ),
        pytest.param(
            verified(**{"from": date(2026, 12, 2)}), NOW, "no_profile", id="not yet in force"
        ),
        pytest.param(verified(events=(Event.DENSITY,)), NOW, "event_not_allowed"),
        pytest.param(verified(gatherings=(Gathering.CULTURAL,)), NOW, "gathering"),
    ],
)
def test_nothing_real_is_analysed_without_a_law_in_force(
    profile: LegalProfile, at: datetime, cause: str
) -> None:
    assert why(desk_gate(Orders.of(act()), profile), at) == cause


def test_even_a_command_stops_when_the_law_ends() -> None:
    after = datetime(2028, 1, 1, 12, tzinfo=UTC)
    late = act(period={"from": after, "until": after + timedelta(days=1)})
    assert why(Gate({"gate": Live()}, covered(), Orders.of(late)), after) == "no_profile"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("status: template", "status: verified", "verified: {by, on} belongs"),
        ("from: 2026-03-21\n", "", "from and until are missing"),
        ("until: 2027-12-31", "until: 2025-12-31", "until is before from"),
        ("longest_days: 31", "longest_days: 60", "must be 31 at most"),
        ("clip_days: 3", "clip_days: 31", "clip_days is more than image_days"),
        ("log_days: 1095", "log_days: 30", "must be 183 at least"),
        ("cultural]", "cultural, demonstration]", ""),
        ("density, fire]", "density, loitering]", ""),
        ("Europe/Paris", "Europe/Pari", "no time zone"),
    ],
)
def test_a_faulty_profile_is_refused_at_the_door(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    text = (files("veilleur.law") / "profiles" / "fr-jop2030.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "profile.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError) as error:
        read_profile(path)
    assert says in str(error.value)


def test_a_profile_that_is_not_shipped_is_told_so() -> None:
    with pytest.raises(ConfigurationError, match="fr-jop2030"):
        shipped("fr-jop2028")


# ---------------------------------------------------------------------- the act
@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"controller": None}, "controller"),
        ({"perimeter": None}, "perimeter"),
        ({"services": ()}, "services"),
        ({"services": ("tax_office",)}, "services"),
        ({"gathering": None}, "gathering"),
        ({"reasons": None}, "reasons"),
        ({"notice": None}, "notice"),
        ({"clips": 4}, "clips"),
        ({"clips": 3}, ""),
        ({"notice": {"derogation": "Act, point 4: the threat"}}, ""),
    ],
)
def test_where_operators_work_an_act_must_say_everything(
    changes: dict[str, object], cause: str
) -> None:
    """Law 41, 65, 78. A command asks for less."""
    spoilt = act(**changes)
    assert why(desk_gate(Orders.of(spoilt))) == cause
    assert [fault.cause for fault in faults(spoilt, verified(), NOW)] == ([cause] if cause else [])
    assert why(Gate({"gate": Live()}, covered(), Orders.of(spoilt))) == ""


def test_all_faults_of_an_act_are_told_at_once() -> None:
    over = {"from": NOW - timedelta(days=2), "until": NOW}
    spoilt = act(controller=None, notice=None, events=("fire", "density"), period=over)
    found = [fault.cause for fault in faults(spoilt, verified(events=(Event.DENSITY,)), NOW)]
    assert found == ["controller", "notice", "not_in_force", "event_not_allowed"]
    assert faults(act(), verified(), NOW - timedelta(days=9)) == [], "not begun yet is no fault"
    assert [f.cause for f in faults(act(laboratory=True), verified(), NOW)] == ["other_world"]


def test_nothing_but_sport_recreation_and_culture_exists() -> None:
    """Law 44."""
    assert {kind.value for kind in Gathering} == {"sporting", "recreational", "cultural"}
    with pytest.raises(ValidationError):
        act(gathering="demonstration")


@pytest.mark.parametrize(
    "notice",
    [
        {},
        {"text": "told"},
        {"told_by": ("posters",)},
        {"text": "told", "told_by": ("posters",), "derogation": "why"},
        {"text": "told", "derogation": "why"},
        {"derogation": "  "},
    ],
)
def test_the_public_is_told_or_the_act_says_why_not(notice: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        act(notice=notice)


@pytest.mark.parametrize(
    ("start", "end", "valid"),
    [
        pytest.param("2026-12-01T00:00+01:00", "2027-01-01T00:00+01:00", True, id="31 days"),
        pytest.param("2026-12-01T00:00+01:00", "2027-01-02T00:00+01:00", False, id="32 days"),
        pytest.param(
            "2026-10-01T00:00+02:00", "2026-11-01T00:00+01:00", True, id="summer time ends in it"
        ),
        pytest.param(
            "2026-10-01T00:00+02:00", "2026-11-01T01:00+01:00", False, id="and an hour more"
        ),
        pytest.param("2026-12-01T00:00+14:00", "2027-01-01T00:00-12:00", False, id="by travelling"),
    ],
)
def test_an_act_lasts_a_month_at_most(start: str, end: str, valid: bool) -> None:
    """Law 43."""
    if valid:
        assert Period.model_validate({"from": start, "until": end})
        return
    with pytest.raises(ValidationError):
        Period.model_validate({"from": start, "until": end})


def test_a_profile_may_allow_less_than_a_month() -> None:
    week = act(period={"from": NOW, "until": NOW + timedelta(days=7, minutes=1)})
    assert why(desk_gate(Orders.of(week), verified(longest_days=7))) == "too_long"
    assert why(desk_gate(Orders.of(week), verified(longest_days=8))) == ""


# ---------------------------------------------------------------------- the gate itself
def test_what_asks_for_nothing_allows_nothing() -> None:
    use = Use(
        camera="gate",
        rule="zone",
        event=Event.FORBIDDEN_ZONE,
        at=NOW,
        laboratory=True,
        profile=shipped("laboratory"),
        orders=Orders(),
        act=None,
    )
    with pytest.raises(NotAuthorised) as refusal:
        authorise(use, ())
    assert refusal.value.cause == "no_condition"


def test_the_conditions_of_the_act_hold_each_by_itself() -> None:
    """The gate asks only acts that name the camera; the condition does not rely on it."""
    use = Use(
        camera="yard",
        rule="way",
        event=Event.WRONG_WAY,
        at=NOW,
        laboratory=False,
        profile=verified(),
        orders=Orders(),
        act=act(),
    )
    assert [refusal.cause for refusal in obstacles(use, DESK)] == [
        "camera_not_named",
        "event_not_named",
    ]


def test_a_refusal_keeps_nothing_of_whoever_asked() -> None:
    """No circle of references: a refused frame's slot is free at once, not when memory is swept."""
    gate = desk_gate(stopped(Scope.EVERYTHING))

    def asked() -> weakref.ref[Held]:
        picture = Held()
        with suppress(NotAuthorised):
            gate.admit("gate", ZONE, NOW)
        return weakref.ref(picture)

    gc.disable()
    try:
        assert asked()() is None
    finally:
        gc.enable()


class Held:
    """Something that somebody has in hand while asking."""


def test_a_local_time_without_its_zone_is_no_instant() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        desk_gate(Orders.of(act())).admit("gate", ZONE, NOW.replace(tzinfo=None))


@pytest.mark.parametrize("days", [-1, 1])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_an_act_that_is_over_or_to_come_is_told_by_the_one_instant_that_never_changes(
    days: int, language: Language
) -> None:
    """A screen that is told another sentence each second reads it out each second."""
    gate = desk_gate(Orders.of(act()))
    told = set[str]()
    for seconds in range(3):
        at = NOW + timedelta(days=days, seconds=seconds)
        with pytest.raises(NotAuthorised) as refusal:
            gate.admit("gate", ZONE, at)
        assert refusal.value.cause == "not_in_force"
        told.add(say(str(refusal.value), language))
    (words,) = told
    period = act().period
    assert (period.start if days < 0 else period.end).isoformat() in words
    assert ("vigueur" in words, "analysis" in words) == (language == "fr", language == "en")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_a_clock_in_doubt_closes_is_not_called_over(language: Language) -> None:
    passed = [0.0]
    gate = Gate({"gate": Live()}, desk(verified()), boot=lambda: passed[0])
    gate.obey(Orders.of(act()), fresh_until=1e9)
    assert why(gate, NOW) == ""
    refusal = gate.refusal("gate", "zone", Event.FORBIDDEN_ZONE, NOW + timedelta(days=1))
    assert refusal is not None
    words = say(str(refusal), language)
    assert "86400 s" in words
    assert ("in doubt" in words, "en doute" in words) == (language == "en", language == "fr")
    assert ("supervisor" in words, "superviseur" in words) == (language == "en", language == "fr")


def test_an_authorisation_is_a_value_without_room_for_more() -> None:
    with pytest.raises(ValidationError):
        act(faces=True)
    assert Authorisation.model_validate_json(act().model_dump_json(by_alias=True)) == act()


def test_the_packages_own_film_passes_in_either_world_until_a_stop() -> None:
    for regime in (desk(shipped("laboratory")), desk(shipped("fr-jop2030"))):
        gate = Gate({"canary": Embedded()}, regime, boot=lambda: 0.0)
        gate.obey(Orders(), fresh_until=1.0)
        assert gate.admit("canary", {"alive": Event.FORBIDDEN_ZONE}, NOW) == {"alive"}
        gate.obey(stopped(Scope.EVERYTHING), fresh_until=1.0)
        with pytest.raises(NotAuthorised):
            gate.admit("canary", {"alive": Event.FORBIDDEN_ZONE}, NOW)

"""Zones, lines, headings and the ground of a camera: two pages, and what their scripts ask.

Whoever draws sees a picture in which nobody can be recognised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Response
from pydantic import ValidationError
from starlette.requests import Request

from veilleur.cameras.suitability import Fit
from veilleur.catalogue import Event
from veilleur.console import editor_models as given
from veilleur.console.faults import Fault
from veilleur.console.fitness import Glances
from veilleur.console.given import CurrentVisitor, TheDesk
from veilleur.console.ground_drawing import Drawing, drawing
from veilleur.console.mistakes import mistakes_in
from veilleur.console.rendering import language_of, page
from veilleur.console.routing import FAULTS
from veilleur.console.schedule_text import as_text, from_text
from veilleur.console.settings_words import choices
from veilleur.console.targets import existing_camera
from veilleur.console.visitor import Visitor
from veilleur.desk.configuring import Configured
from veilleur.desk.desk import Desk
from veilleur.errors import ConfigurationError, EvidenceFailed
from veilleur.events.wording import Language
from veilleur.evidence.redaction import Hidden
from veilleur.evidence.still import still
from veilleur.geometry import View
from veilleur.ground import GroundSpecification
from veilleur.site import NOMINAL, SiteCamera
from veilleur.site_editing import DraftRule, SiteMoved, SiteReadOnly


def _glances(request: Request) -> Glances:
    glances = request.app.state.glances
    assert isinstance(glances, Glances)
    return glances


TheGlances = Annotated[Glances, Depends(_glances)]
UNSAVED: dict[int | str, dict[str, Any]] = {
    **FAULTS,
    409: {"model": given.Saved | Fault},
    422: {"model": given.Saved | Fault},
}
"""What saving answers where it did not."""


# ---------------------------------------------------------------------- pages
def rules_page(request: Request, desk: TheDesk, visitor: CurrentVisitor, id: str) -> Response:
    """The editor of zones and rules."""
    camera = existing_camera(desk.site, visitor, id)
    return page(request, "rules.html", camera=camera)


def ground_page(request: Request, desk: TheDesk, visitor: CurrentVisitor, id: str) -> Response:
    """The calibration of the ground."""
    camera = existing_camera(desk.site, visitor, id)
    return page(request, "ground.html", camera=camera)


def frame(desk: TheDesk, visitor: CurrentVisitor, id: str) -> Response:
    """The newest picture, redacted, to draw on. Errors: EvidenceFailed where there is none."""
    camera = existing_camera(desk.site, visitor, id)
    snapshot = desk.watch.snapshot(camera.id)
    if snapshot is None:
        raise EvidenceFailed(
            "there is no picture: the camera is not analysed now",
            remedy="look at its state; zones can be drawn without a picture",
            cause="none",
        )
    jpeg = still(snapshot.picture, Hidden.of(snapshot.boxes, snapshot.view))
    headers = {"X-Taken-At": snapshot.taken.isoformat()}
    return Response(jpeg, media_type="image/jpeg", headers=headers)


# ---------------------------------------------------------------------- rules
def get_rules(desk: TheDesk, visitor: CurrentVisitor, id: str) -> given.RulesGiven:
    """A camera's rules as they stand in the site file, and what can be set."""
    camera = existing_camera(desk.site, visitor, id)
    file = desk.configuring.file()
    language = language_of(visitor)
    rules = file.camera(id).get("rules")
    shown = [one for one in rules if isinstance(one, dict)] if isinstance(rules, list) else []
    running = [rule.model_dump(mode="json", exclude_unset=True) for rule in camera.rules]
    return given.RulesGiven(
        camera=id,
        state=file.state(id),
        aspect=_aspect(desk, id),
        differs=not _same(shown, running),
        rules=[_shown(rule, language) for rule in shown],
        events=[given.EventGiven.of(choice) for choice in choices(language)],
    )


def check_rules(
    desk: TheDesk,
    visitor: CurrentVisitor,
    glances: TheGlances,
    id: str,
    wanted: given.RulesDrawn,
) -> given.RulesChecked:
    """What is wrong with the rules, all of it, and which of them this camera can't serve; nothing
    is changed."""
    existing_camera(desk.site, visitor, id)
    mistakes = []
    try:
        desk.configuring.check_rules(id, _drafts(wanted))
    except ConfigurationError as error:
        mistakes = _told(error, visitor)
    return given.RulesChecked(mistakes=mistakes, unfit=_unfit(desk, glances, id, wanted))


def get_fitness(
    desk: TheDesk, visitor: CurrentVisitor, glances: TheGlances, id: str
) -> given.FitnessGiven:
    """Which of the eight events this camera can serve, and why not: from its pictures, its rate,
    its ground and the people that were seen on it while this was asked."""
    existing_camera(desk.site, visitor, id)
    snapshot = desk.watch.snapshot(id)
    if snapshot is not None:
        report = next((one for one in desk.cameras() if one.camera == id), None)
        glances.note(snapshot, report)
    view = snapshot.view if snapshot is not None else NOMINAL
    return given.FitnessGiven.of(glances.fitness(id, view), language_of(visitor))


def _unfit(
    desk: Desk, glances: Glances, id: str, wanted: given.RulesDrawn
) -> list[given.UnfitGiven]:
    """Those that can't be served, as far as is known."""
    fitness = glances.fitness(id, _view(desk, id))
    rules = desk.configuring.file().camera(id).get("rules") or []
    before = {rule.get("id"): rule.get("event") for rule in rules if isinstance(rule, dict)}
    found = []
    for number, rule in enumerate(wanted.rules):
        name = rule.settings.get("event")
        event = Event(name) if name in set(Event) else None
        if event is not None and fitness.of(event).fit is Fit.NO:
            new = before.get(rule.was) != event.value
            found.append(given.UnfitGiven(rule=number, event=event, refused=new))
    return found


def save_rules(
    desk: TheDesk,
    visitor: CurrentVisitor,
    id: str,
    wanted: given.RulesWanted,
    response: Response,
    glances: TheGlances,
) -> given.Saved:
    """These rules instead, in the file and in force at once; or nothing, and what is wrong."""
    existing_camera(desk.site, visitor, id)
    refused = [one.event.value for one in _unfit(desk, glances, id, wanted) if one.refused]
    if refused and not wanted.despite:
        response.status_code = HTTPStatus.CONFLICT
        return given.Saved(saved=False, cause="unfit", mistakes=[], patch="")
    unfit = f" [not fit for {', '.join(dict.fromkeys(refused))}]" if refused else ""

    def save() -> Configured:
        return desk.configuring.configure_rules(
            id,
            _drafts(wanted),
            who=visitor.account,
            reason=wanted.reason + unfit,
            state=wanted.state,
            token=visitor.token,
        )

    return _saved(save, visitor, response)


# ---------------------------------------------------------------------- the ground
def get_ground(desk: TheDesk, visitor: CurrentVisitor, id: str) -> given.GroundGiven:
    """How the ground of a camera is known, as it stands in the site file."""
    camera = existing_camera(desk.site, visitor, id)
    file = desk.configuring.file()
    ground = file.camera(id).get("ground")
    shown = ground if isinstance(ground, dict) else None
    running = camera.ground.model_dump(mode="json", exclude_unset=True) if camera.ground else None
    return given.GroundGiven(
        camera=id,
        state=file.state(id),
        aspect=_aspect(desk, id),
        differs=shown != running,
        ground=shown,
    )


def check_ground(
    desk: TheDesk, visitor: CurrentVisitor, id: str, wanted: given.GroundDrawn
) -> given.GroundChecked:
    """What is wrong with the ground, and how it would look; nothing is changed."""
    camera = existing_camera(desk.site, visitor, id)
    mistakes = []
    try:
        desk.configuring.check_ground(id, wanted.ground)
    except ConfigurationError as error:
        mistakes = _told(error, visitor)
    return given.GroundChecked.shown(_drawn(desk, camera, wanted.ground), mistakes)


def save_ground(
    desk: TheDesk,
    visitor: CurrentVisitor,
    id: str,
    wanted: given.GroundWanted,
    response: Response,
) -> given.Saved:
    """This ground instead; or nothing, and what is wrong."""
    existing_camera(desk.site, visitor, id)

    def save() -> Configured:
        return desk.configuring.configure_ground(
            id,
            wanted.ground,
            who=visitor.account,
            reason=wanted.reason,
            state=wanted.state,
            token=visitor.token,
        )

    return _saved(save, visitor, response)


def _drawn(desk: Desk, camera: SiteCamera, ground: Mapping[str, Any] | None) -> Drawing | None:
    """None where there is no plane to draw: the mistakes say why."""
    if ground is None:
        return None
    try:
        spec = GroundSpecification.model_validate(ground)
        return drawing(spec, *_size(desk, camera.id), desk.configuring.folder)
    except (ValidationError, ConfigurationError):
        return None


# ---------------------------------------------------------------------- both
def _saved(save: Callable[[], Configured], visitor: Visitor, response: Response) -> given.Saved:
    try:
        done = save()
    except SiteMoved as error:
        response.status_code = HTTPStatus.CONFLICT
        told = _told(error, visitor)
        return given.Saved(saved=False, cause="moved", mistakes=told, patch="")
    except SiteReadOnly as error:
        response.status_code = HTTPStatus.CONFLICT
        told = _told(error, visitor)
        return given.Saved(saved=False, cause="read_only", mistakes=told, patch=error.patch)
    except ConfigurationError as error:
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        told = _told(error, visitor)
        return given.Saved(saved=False, cause="mistakes", mistakes=told, patch="")
    return given.Saved(saved=True, mistakes=[], patch=done.patch, at=done.at)


def _told(error: ConfigurationError, visitor: Visitor) -> list[given.MistakeGiven]:
    return [given.MistakeGiven.of(one) for one in mistakes_in(error, language_of(visitor))]


def _shown(rule: dict[str, Any], language: Language) -> given.RuleGiven:
    """The schedule goes out of the parameters and becomes text."""
    params = rule.get("params")
    settings, text = dict(rule), ""
    if isinstance(params, dict) and "schedule" in params:
        settings["params"] = {name: v for name, v in params.items() if name != "schedule"}
        text = as_text(params["schedule"], language)
    return given.RuleGiven(was=str(rule.get("id", "")), settings=settings, schedule=text)


def _drafts(wanted: given.RulesDrawn) -> list[DraftRule]:
    return [DraftRule(one.was, _settings(one)) for one in wanted.rules]


def _settings(drawn: given.RuleDrawn) -> dict[str, Any]:
    settings = dict(drawn.settings)
    params = settings.get("params")
    if drawn.schedule.strip():
        settings["params"] = {
            **(params if isinstance(params, dict) else {}),
            "schedule": from_text(drawn.schedule),
        }
    elif params == {}:
        del settings["params"]
    return settings


def _same(shown: list[dict[str, Any]], running: list[dict[str, Any]]) -> bool:
    """As far as the file and a running rule say the same in the same words."""
    return [{**one, "params": one.get("params", {})} for one in shown] == [
        {**one, "params": one.get("params", {})} for one in running
    ]


def _view(desk: Desk, camera: str) -> View:
    snapshot = desk.watch.snapshot(camera)
    return snapshot.view if snapshot is not None else NOMINAL


def _size(desk: Desk, camera: str) -> tuple[int, int]:
    view = _view(desk, camera)
    return view.width, view.height


def _aspect(desk: Desk, camera: str) -> float:
    width, height = _size(desk, camera)
    return width / height

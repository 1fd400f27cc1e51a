"""The console: every route on one screen.

Paths are for people and stay as they are once published; what a route does stands in the module
that its handler comes from, what it asks for stands here.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from veilleur import __version__
from veilleur.console import (
    account_pages,
    act_pages,
    alert_pages,
    api,
    audit_pages,
    camera_pages,
    description,
    editor_pages,
    session_pages,
    streaming,
    view_pages,
)
from veilleur.console.administration import Accounts, Tokens
from veilleur.console.doorkeeper import Doorkeeper
from veilleur.console.faults import tell_errors
from veilleur.console.fitness import Glances
from veilleur.console.identities import KeptIdentities
from veilleur.console.permission import Open, Permission
from veilleur.console.rendered import Rendered
from veilleur.console.rendering import statement
from veilleur.console.routing import Registrar
from veilleur.console.security import Walls
from veilleur.console.settings import Settings
from veilleur.console.signing import SignIn
from veilleur.console.viewed import Viewed
from veilleur.console.wall import Wall
from veilleur.desk.desk import Desk

STATIC = Path(__file__).parent / "static"
_WAY_IN = Open("one is nobody before it")
_SOURCE = Open("it is in the public source: no data, no name, no camera")


class Console(FastAPI):
    """FastAPI without its own pages, behind `Walls`: also its last-resort answers get headers."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            title="Veilleur",
            version=__version__,
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            redirect_slashes=False,
        )
        self.state.settings = settings
        tell_errors(self)

    def build_middleware_stack(self) -> ASGIApp:
        return Walls(super().build_middleware_stack(), self.state.settings)


def create_app(desk: Desk, settings: Settings) -> FastAPI:
    """The whole console over a desk, for the accounts in its store."""
    settings = replace(settings, laboratory=desk.laboratory)
    app = Console(settings)
    identities = KeptIdentities(desk.database, settings)
    doorkeeper = Doorkeeper(settings, identities)
    app.state.desk, app.state.doorkeeper = desk, doorkeeper
    app.state.accounts = Accounts(desk.database, settings)
    app.state.tokens = Tokens(desk.database, settings)
    app.state.signing = SignIn(desk.database, settings, identities)
    app.state.viewed = Viewed(desk.database, settings.now)
    app.state.wall = Wall(desk.watch.snapshot)
    app.state.rendered, app.state.glances = Rendered(), Glances()
    doors = Registrar(app, doorkeeper)
    _pages(doors)
    _interface(doors)
    _drawing(doors)
    return app


def _pages(doors: Registrar) -> None:
    doors.files("/static", STATIC, Open("style and scripts of the sign-in page; no data"))
    doors.page("/docs", description.docs, _SOURCE)
    may = Permission

    doors.page("/sign-in", session_pages.sign_in_page, _WAY_IN)
    doors.form("/sign-in", session_pages.sign_in, _WAY_IN)
    doors.form("/sign-out", session_pages.sign_out, may.USE_CONSOLE)
    doors.data("POST", "/stay", session_pages.stay, may.USE_CONSOLE, include_in_schema=False)
    doors.page("/account", session_pages.account_page, may.USE_CONSOLE)
    doors.form("/account/password", session_pages.change_password, may.USE_CONSOLE)
    doors.form("/account/language", session_pages.change_language, may.USE_CONSOLE)

    see = may.SEE_ALERTS
    doors.page("/", alert_pages.home, may.USE_CONSOLE)
    doors.page("/incidents/{id}", alert_pages.alerts, see)
    doors.page("/incidents/{id}/part", alert_pages.alert, see, passive=True)
    doors.page("/incidents/{id}/still.jpg", alert_pages.still, see, passive=True)
    doors.page("/incidents/{id}/clip.mp4", alert_pages.clip, see, passive=True)
    doors.page("/queue", alert_pages.queue, see, passive=True)
    doors.page("/counting", alert_pages.counting, see, passive=True)
    doors.page("/stops", alert_pages.stops, may.USE_CONSOLE, passive=True)
    doors.data("GET", "/waiting", alert_pages.waiting, see, passive=True, include_in_schema=False)
    doors.data(
        "POST", "/incidents/{id}/touch", alert_pages.touch, may.DECIDE, include_in_schema=False
    )
    doors.stream("/feed", streaming.feed, may.USE_CONSOLE)
    look = may.LOOK_CLEARLY
    doors.page("/incidents/{id}/live.jpg", view_pages.live_picture, look, passive=True)
    doors.page("/incidents/{id}/seconds/{number}.jpg", view_pages.second, look, passive=True)

    cameras, acts = may.SEE_CAMERAS, may.SEE_AUTHORISATIONS
    doors.page("/cameras", camera_pages.cameras, cameras)
    doors.page("/cameras/tiles", camera_pages.tiles, cameras, passive=True)
    doors.page("/cameras/{id}/picture.jpg", camera_pages.picture, may.SEE_PICTURES, passive=True)
    doors.page("/cameras/{id}/why", camera_pages.why, cameras)
    doors.page("/technical", camera_pages.technical, cameras)
    doors.page("/technical/part", camera_pages.technical_part, cameras, passive=True)
    doors.page("/authorisations", act_pages.authorisations, acts)
    doors.form("/authorisations", act_pages.type_in, may.ADD_AUTHORISATION)
    doors.page("/audit", audit_pages.audit, may.SEE_AUDIT)
    doors.form("/audit/verify", audit_pages.verify, may.SEE_AUDIT)
    doors.page("/statement", statement, Open("the law wants it open to everybody; no data"))

    doors.page("/accounts", account_pages.accounts_page, may.MANAGE_ACCOUNTS)
    doors.form("/accounts", account_pages.add_account, may.MANAGE_ACCOUNTS)
    doors.page("/accounts/{name}", account_pages.one_account_page, may.MANAGE_ACCOUNTS)
    doors.form("/accounts/{name}", account_pages.change_account, may.MANAGE_ACCOUNTS)
    doors.form("/accounts/{name}/password", account_pages.set_password, may.MANAGE_ACCOUNTS)
    doors.page("/tokens", account_pages.tokens_page, may.MANAGE_TOKENS)
    doors.form("/tokens", account_pages.add_token, may.MANAGE_TOKENS)
    doors.form("/tokens/{id}/revoke", account_pages.revoke_token, may.MANAGE_TOKENS)


def _interface(doors: Registrar) -> None:
    v1 = "/api/v1"
    may = Permission
    doors.data("GET", f"{v1}/openapi.json", description.openapi, _SOURCE, include_in_schema=False)
    get, post = partial(doors.data, "GET"), partial(doors.data, "POST")

    get(f"{v1}/incidents", api.list_incidents, may.SEE_ALERTS)
    get(f"{v1}/incidents/{{id}}", api.get_incident, may.SEE_ALERTS)
    post(f"{v1}/incidents/{{id}}/take", api.take_incident, may.DECIDE)
    post(f"{v1}/incidents/{{id}}/release", api.release_incident, may.DECIDE)
    post(f"{v1}/incidents/{{id}}/hand-over", api.hand_over_incident, may.DECIDE)
    post(f"{v1}/incidents/{{id}}/decide", api.decide_incident, may.DECIDE)
    post(f"{v1}/incidents/{{id}}/follow-up", api.follow_up_incident, may.DECIDE)
    post(f"{v1}/incidents/{{id}}/live", view_pages.open_live, may.LOOK_CLEARLY)
    post(f"{v1}/incidents/{{id}}/seconds", view_pages.open_seconds, may.LOOK_CLEARLY)
    get(f"{v1}/reasons", api.list_reasons, may.SEE_ALERTS)

    get(f"{v1}/cameras", api.list_cameras, may.SEE_CAMERAS)
    get(f"{v1}/availability", api.list_availability, may.SEE_CAMERAS)
    post(f"{v1}/cameras/{{id}}/withdraw", api.withdraw_camera, may.SUSPEND_AUTHORISATION)
    get(f"{v1}/stops", api.list_stops, may.SEE_STOPS)
    post(f"{v1}/stops", api.make_stop, may.STOP)
    post(f"{v1}/stops/lift", api.lift_stop, may.LIFT_STOP)
    post(f"{v1}/clock/right", api.clock_is_right, may.LIFT_STOP)

    get(f"{v1}/authorisations", api.list_acts, may.SEE_AUTHORISATIONS)
    told = api.NOT_ENTERED
    post(f"{v1}/authorisations", api.enter_act, may.ADD_AUTHORISATION, responses=told)
    post(f"{v1}/authorisations/check", api.check_act, may.ADD_AUTHORISATION)
    post(f"{v1}/authorisations/suspend", api.suspend_act, may.SUSPEND_AUTHORISATION)

    get(f"{v1}/audit", api.list_audit, may.SEE_AUDIT)
    get(f"{v1}/tokens", api.list_tokens, may.MANAGE_TOKENS)
    post(f"{v1}/tokens", api.issue_token, may.MANAGE_TOKENS)
    post(f"{v1}/tokens/{{id}}/revoke", api.revoke_token, may.MANAGE_TOKENS)


def _drawing(doors: Registrar) -> None:
    """Zones, rules and the ground of a camera."""
    may, camera, v1 = Permission.CONFIGURE, "/cameras/{id}", "/api/v1/cameras/{id}"
    doors.page(f"{camera}/rules", editor_pages.rules_page, may)
    doors.page(f"{camera}/ground", editor_pages.ground_page, may)
    doors.page(f"{camera}/frame.jpg", editor_pages.frame, may)
    told = editor_pages.UNSAVED
    doors.data("GET", f"{v1}/rules", editor_pages.get_rules, may)
    doors.data("POST", f"{v1}/rules", editor_pages.save_rules, may, responses=told)
    doors.data("POST", f"{v1}/rules/check", editor_pages.check_rules, may)
    doors.data("GET", f"{v1}/fitness", editor_pages.get_fitness, may, passive=True)
    doors.data("GET", f"{v1}/ground", editor_pages.get_ground, may)
    doors.data("POST", f"{v1}/ground", editor_pages.save_ground, may, responses=told)
    doors.data("POST", f"{v1}/ground/check", editor_pages.check_ground, may)

"""Zones, rules and the ground plane of a camera, changed while everything runs.

The file is what counts: it is written first, in one step with the line of the record, then the
camera follows, from its next frame on. No other camera notices.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from veilleur.engine.lineup import ANYWHERE
from veilleur.engine.member import Member
from veilleur.errors import ConfigurationError, StoreError
from veilleur.events.registry import build_rule
from veilleur.law.deed import Deed, Entry
from veilleur.law.orders import Orders, Scope, Stop
from veilleur.site import NOMINAL, Site, SiteCamera, camera_view
from veilleur.site_editing import (
    DraftRule,
    Edit,
    SiteFile,
    SiteMoved,
    checked_ground,
    checked_rules,
    save,
    undo,
    with_ground,
    with_rules,
)
from veilleur.store.database import Database
from veilleur.yaml import Problems

PATCH_LIMIT = 8000
"""Characters of a change that stand in the record; its digests are there in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """A change in force. at: since when. patch: what changed in the file, "" where nothing did."""

    at: datetime
    patch: str


@dataclass(frozen=True, slots=True)
class _By:
    """Who changes something, why, and by which token if not themselves."""

    who: str
    reason: str
    token: str


class Configuring:
    """file: the site file. site: as it runs now. member: a camera of the engine, as it runs now.
    orders: those in force. adopt: makes a site and one changed camera of it the ones that run."""

    def __init__(
        self,
        database: Database,
        file: Path,
        *,
        site: Callable[[], Site],
        member: Callable[[str], Member],
        orders: Callable[[], Orders],
        adopt: Callable[[Site, Member], None],
    ) -> None:
        self._database, self._path = database, file.resolve()
        self._site, self._member, self._orders, self._adopt = site, member, orders, adopt
        self._lock = threading.Lock()

    def file(self) -> SiteFile:
        """As it is on the disk now. Errors: ConfigurationError."""
        return SiteFile.read(self._path)

    @property
    def folder(self) -> Path:
        """What the file names is relative to it."""
        return self._path.parent

    # ------------------------------------------------------------------ looking
    def check_rules(self, camera: str, drafts: Sequence[DraftRule]) -> None:
        """Would they do? Errors: Problems with every mistake, ConfigurationError."""
        self._keep_stopped(camera, drafts)
        self._changed(checked_rules(self.file(), camera, drafts))

    def check_ground(self, camera: str, ground: Mapping[str, Any] | None) -> None:
        """The same for the ground plane; the rules must do with it, too."""
        self._changed(checked_ground(self.file(), camera, ground))

    # ------------------------------------------------------------------ changing
    def configure_rules(
        self,
        camera: str,
        drafts: Sequence[DraftRule],
        *,
        who: str,
        reason: str,
        state: str,
        token: str = "",
    ) -> Configured:
        """Other rules of a camera. state: `SiteFile.state` of what the drafts were made from.
        token: by which a program does it for `who`, "" for themselves.

        Errors: Problems, SiteMoved, SiteReadOnly, StoreError; then everything is as it was.
        """
        self.check_rules(camera, drafts)
        edit = partial(with_rules, camera=camera, drafts=drafts)
        return self._configure(camera, edit, _By(who, reason, token), state)

    def configure_ground(
        self,
        camera: str,
        ground: Mapping[str, Any] | None,
        *,
        who: str,
        reason: str,
        state: str,
        token: str = "",
    ) -> Configured:
        """Another ground plane of a camera, or none. The same errors."""
        self.check_ground(camera, ground)
        edit = partial(with_ground, camera=camera, ground=ground)
        return self._configure(camera, edit, _By(who, reason, token), state)

    def _configure(
        self, camera: str, change: Callable[[SiteFile], Edit], by: _By, state: str
    ) -> Configured:
        with self._lock:
            file = self.file()
            if file.state(camera) != state:
                raise SiteMoved(
                    "somebody else has changed this camera meanwhile",
                    remedy="load the page again",
                    file=str(self._path),
                )
            edit = _made(change, file)
            wanted = edit.site.camera(camera)
            assert wanted is not None
            site, member = self._changed(wanted)
            now = datetime.now(UTC)
            if edit.changes:
                self._write(edit, _entry(camera, edit, by, now))
            self._adopt(site, member)
            return Configured(at=now, patch=edit.patch)

    def _write(self, edit: Edit, entry: Entry) -> None:
        """File and record, both or none."""
        saved = False
        try:
            with self._database.write() as w:
                w.record(entry)
                save(edit)
                saved = True
        except StoreError:
            if saved:
                undo(edit)
            raise

    def _changed(self, wanted: SiteCamera) -> tuple[Site, Member]:
        """The running site and engine camera with the wanted rules and ground, nothing else of the
        file: that is for the next start. Errors: ConfigurationError for a rule that can't be made
        of them."""
        now = self._site()
        running = now.camera(wanted.id)
        if running is None:
            raise SiteMoved(f"camera {wanted.id!r} does not run", remedy="load the page again")
        other = running.model_copy(update={"rules": wanted.rules, "ground": wanted.ground})
        cameras = tuple(other if one.id == wanted.id else one for one in now.cameras)
        member = self._remade(self._member(wanted.id), other)
        return now.model_copy(update={"cameras": cameras}), member

    def _remade(self, member: Member, camera: SiteCamera) -> Member:
        rules = camera.rules or (ANYWHERE,)
        view = camera_view(camera, NOMINAL.width, NOMINAL.height, self.folder)
        clock = member.assembly.begins is not None or member.zone is not None
        mistakes = []
        for number, rule in enumerate(rules):
            try:
                build_rule(rule, view, local_time_known=clock)
            except ConfigurationError as error:
                mistakes.append(_at_rule(number, error))
        if mistakes:
            raise Problems(mistakes)
        return replace(
            member,
            assembly=replace(member.assembly, rules=rules),
            view=partial(camera_view, camera, folder=self.folder),
        )

    def _keep_stopped(self, camera: str, drafts: Sequence[DraftRule]) -> None:
        """A rule that is stopped would go on under another name."""
        running = self._site().camera(camera)
        kept = {draft.was for draft in drafts if draft.was == draft.settings.get("id")}
        gone = {rule.id for rule in running.rules if rule.id not in kept} if running else set()
        stops = self._orders().stops
        stopped = [stop.target.partition("/")[2] for stop in stops if _of_a_rule(stop, camera)]
        for rule in gone.intersection(stopped):
            raise ConfigurationError(
                f"rule {rule} is stopped",
                remedy="have the stop lifted before the rule is renamed or removed",
                setting="rules",
            )


def _made(change: Callable[[SiteFile], Edit], file: SiteFile) -> Edit:
    """The camera's own mistakes are told before: those that are left stand elsewhere."""
    try:
        return change(file)
    except Problems as error:
        raise Problems(
            [
                ConfigurationError(
                    f"elsewhere in the site file, line {one.line}: {one.message}",
                    remedy="have it put right by hand; nothing can be saved before",
                )
                for one in error.problems
            ]
        ) from error


def _of_a_rule(stop: Stop, camera: str) -> bool:
    return stop.scope is Scope.RULE and stop.target.startswith(f"{camera}/")


def _at_rule(number: int, error: ConfigurationError) -> ConfigurationError:
    """With its place, as other mistakes have it; its camera counts as the first."""
    setting = f"cameras.0.rules.{number}.{error.setting}"
    return ConfigurationError(error.message, remedy=error.remedy, setting=setting)


def _entry(camera: str, edit: Edit, by: _By, at: datetime) -> Entry:
    """With what changed, and digests of the whole file before and after."""
    details = {
        "before": edit.file.digest,
        "after": hashlib.sha256(edit.text.encode()).hexdigest()[:16],
        "diff": edit.patch[:PATCH_LIMIT],
        **({"token": by.token} if by.token else {}),
    }
    deed, of = Deed.CONFIGURED, f"camera:{camera}"
    return Entry(deed=deed, at=at, who=by.who, of=of, reason=by.reason, details=details)

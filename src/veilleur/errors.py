"""What can go wrong, by name.

    VeilleurError
    ├── ConfigurationError      a file or option is wrong: says where and what was meant
    ├── CameraError             one camera's trouble, never the engine's
    │   ├── CameraRefused       it answered no: password, path, codec
    │   ├── StreamLost          it was there and is gone: stalled, cut, ended, garbage
    │   └── PlaybackFailed      kept packets can't be played
    ├── ModelUnusable           weights or back end that cannot work here
    ├── DatasetError            labelled video that cannot be read
    ├── IncidentRefused         what somebody wants to do with an incident can't be done now
    │   └── IncidentMoved       somebody was faster: read it again
    ├── StoreError              the database can't do what was asked: full, locked, damaged ...
    ├── AlreadyStored           a second delivery of the same id: harmless
    ├── NotFound                it does not exist, or not for whoever asks
    ├── EvidenceFailed          a still or a clip can't be made, or isn't there any more
    └── NotAuthorised           the law's gate is closed

Each carries what it speaks of as an attribute, so that a test need not match a sentence, and a
`remedy`: what the reader can do next. Messages never hold a password.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


class VeilleurError(Exception):
    """Something went wrong that a user can act on. `remedy` says how."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})" if self.remedy else self.message


@dataclass(frozen=True, slots=True)
class Coded:
    """A mistake without its sentence, so that it can be said in another language.

    cause: a short word for its kind, "" where it has none. values: what is said in the sentence, by
    name.
    """

    cause: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


class ConfigurationError(VeilleurError):
    """A file or an option is wrong. `line` and `column` count from 1, None where there is none.
    coded: the mistake without its sentence (`yaml.explain`)."""

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        setting: str = "",
        file: str = "",
        line: int | None = None,
        column: int | None = None,
        coded: Coded = Coded(),
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.setting = setting
        self.coded = coded
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        text = super().__str__()
        return f"{place}: {text}" if place else text


class CameraError(VeilleurError):
    """One camera's trouble. `camera` names it; `cause` is a short word for counters and tests."""

    def __init__(
        self, message: str, *, remedy: str = "", camera: str = "", cause: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.camera = camera
        self.cause = cause


class CameraRefused(CameraError):
    """The camera answered no: wrong password, path, codec or address."""


class StreamLost(CameraError):
    """The stream was there and is gone. On a live source an end of stream is this, always."""


class PlaybackFailed(CameraError):
    """Packets that were kept can't be played: damaged, hostile, or of an unknown codec."""


class ModelUnusable(VeilleurError):
    """Weights or a back end cannot work here. `model` names it."""

    def __init__(self, message: str, *, remedy: str = "", model: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.model = model


class DatasetError(VeilleurError):
    """Labelled video cannot be read. `clip` names the clip, where there is one."""

    def __init__(self, message: str, *, remedy: str = "", clip: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.clip = clip


class IncidentRefused(VeilleurError):
    """What somebody wants to do with an incident can't be done now.

    cause: "taken" (by somebody else), "not taken", "decided", "undecided", "followed up", "reason"
    (not in the closed list) or "moved" (somebody was faster). incident: its id.
    """

    def __init__(
        self, message: str, *, remedy: str = "", cause: str = "", incident: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.cause = cause
        self.incident = incident


class IncidentMoved(IncidentRefused):
    """Its revision is not the expected one: somebody was faster. Read it again."""


class StoreError(VeilleurError):
    """The database can't do what was asked; nothing of the transaction can be relied on.

    cause: "full", "read_only", "locked" (by another process), "corrupt", "unreachable" (disk or
    server fails, or its connection is gone) or "schema" (made by a newer Veilleur). After
    "unreachable" it is not known whether the transaction was stored: repeat it with the same ids.
    """

    def __init__(self, message: str, *, remedy: str = "", cause: str) -> None:
        super().__init__(message, remedy=remedy)
        self.cause = cause


class AlreadyStored(VeilleurError):
    """What comes is in the store already, under this `id`. Nothing was changed."""

    def __init__(self, message: str, *, id: str) -> None:
        super().__init__(message)
        self.id = id


class NotFound(VeilleurError):
    """It does not exist, or it is none of the asker's business: the two can't be told apart."""


class EvidenceFailed(VeilleurError):
    """A still or a clip can't be made, or clear pictures are not (or no longer) there.

    cause: "none" (nothing was kept), "dropped" (there was no room), "over" (its minutes are over),
    "empty" (no picture of that time), "damaged" (it can't be decoded), "encoder".
    """

    def __init__(self, message: str, *, remedy: str = "", cause: str) -> None:
        super().__init__(message, remedy=remedy)
        self.cause = cause


class NotAuthorised(VeilleurError):
    """The gate is closed. `article` is the text that asks for it, `camera` the camera; `cause` is
    the condition's name (`law.conditions`), for the screen and for tests, `values` what is said in
    its sentence, by name."""

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        article: str = "",
        camera: str = "",
        cause: str = "",
        values: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.article = article
        self.camera = camera
        self.cause = cause
        self.values = dict(values or {})

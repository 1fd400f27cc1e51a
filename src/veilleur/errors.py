"""What can go wrong, by name.

    VeilleurError
    ├── ConfigurationError      a file or option is wrong: says where and what was meant
    ├── CameraError             one camera's trouble, never the engine's
    │   ├── CameraRefused       it answered no: password, path, codec
    │   └── StreamLost          it was there and is gone: stalled, cut, ended, garbage
    ├── ModelUnusable           weights or back end that cannot work here
    ├── DatasetError            labelled video that cannot be read
    ├── IncidentRefused         what somebody wants to do with an incident can't be done now
    └── NotAuthorised           the law's gate is closed

Each carries what it speaks of as an attribute, so that a test need not match a sentence, and a
`remedy`: what the reader can do next. Messages never hold a password.
"""

from __future__ import annotations


class VeilleurError(Exception):
    """Something went wrong that a user can act on. `remedy` says how."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})" if self.remedy else self.message


class ConfigurationError(VeilleurError):
    """A file or an option is wrong. `line` and `column` count from 1, None where there is none."""

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        setting: str = "",
        file: str = "",
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.setting = setting
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


class NotAuthorised(VeilleurError):
    """The gate is closed. `article` is the text that asks for it, `camera` the camera; `cause` is
    the condition's name (`law.conditions`), for the screen and for tests."""

    def __init__(
        self, message: str, *, remedy: str = "", article: str = "", camera: str = "", cause: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.article = article
        self.camera = camera
        self.cause = cause

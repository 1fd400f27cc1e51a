"""When a scene is quiet, only its key frames are decoded.

Decoding costs more than everything else where nothing happens. The first change in a key frame
brings full decoding back, so the delay is one key-frame interval at most; a camera whose key
frames are further apart than `longest_interval_s` is never decoded by them alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QuietSettings:
    """after_s: seconds without any change before the switch."""

    after_s: float = 5.0
    longest_interval_s: float = 2.5


class Quiet:
    """One camera's mode, told what each of its frames showed."""

    def __init__(self, settings: QuietSettings | None = None) -> None:
        self._settings = settings or QuietSettings()
        self._calm_since: float | None = None

    def update(self, time: float, *, moving: bool, key_interval_s: float | None) -> bool:
        """Whether only key frames are to be decoded from here on.

        time: stream seconds. key_interval_s: as measured on the stream, None if not yet known.
        """
        if moving or self._calm_since is None or time < self._calm_since:
            self._calm_since = time
        near = key_interval_s is not None and key_interval_s <= self._settings.longest_interval_s
        return near and time - self._calm_since >= self._settings.after_s

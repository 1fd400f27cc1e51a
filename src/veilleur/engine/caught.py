"""An error of a thread, handed to somebody who tells it: with its thread it would be lost."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType


class Caught:
    """Around a piece of work: what it raises goes to `tell`, and the work ends there. What is no
    Exception (a thread that is made to stop) goes on."""

    def __init__(self, tell: Callable[[Exception], None]) -> None:
        self._tell = tell

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self._tell(error)
        return True

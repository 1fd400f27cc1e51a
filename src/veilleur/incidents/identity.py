"""Ids made once, where a thing begins, that sort by time: UUID version 7 (RFC 9562, 5.7)."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime


def new_id(at: datetime) -> uuid.UUID:
    """at: an aware instant; its millisecond stands first in the id, 74 random bits follow."""
    milliseconds = int(at.timestamp() * 1000)
    random = secrets.randbits(74)
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 62) << 64
    return uuid.UUID(int=value | 0b10 << 62 | random & (1 << 62) - 1)

"""Several incidents of one rule may wait: one for each situation. Verdicts are found by time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

WAITING = sa.text("state IN ('open', 'taken')")


def upgrade() -> None:
    op.drop_index("ix_incidents_one_waiting", table_name="incidents")
    op.create_index(
        "ix_incidents_waiting",
        "incidents",
        ["camera", "rule"],
        unique=False,
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_index(op.f("ix_verdicts_at"), "verdicts", ["at"], unique=False)

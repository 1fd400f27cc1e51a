"""The record, signals and incidents, outbox, evidence, orders, settings."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

REFUSED = "the audit record is only ever added to"


def upgrade() -> None:
    _record()
    _incidents()
    _outbox()
    _evidence()
    _orders()
    _settings()
    _begin_the_chain()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _record() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("deed", sa.String(length=40), nullable=False),
        sa.Column("of", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_deed"), "audit", ["deed"], unique=False)
    op.create_index(op.f("ix_audit_of"), "audit", ["of"], unique=False)
    op.create_table(
        "chain_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_head")),
    )


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("first", sa.Uuid(), nullable=False),
        sa.Column("camera", sa.String(length=200), nullable=False),
        sa.Column("rule", sa.String(length=200), nullable=False),
        sa.Column("canary", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("priority", sa.String(length=10), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("queued", sa.BigInteger(), nullable=False),
        sa.Column("last_signal", sa.BigInteger(), nullable=False),
        sa.Column("signals", sa.Integer(), nullable=False),
        sa.Column("ongoing", sa.Boolean(), nullable=False),
        sa.Column("escalated", sa.BigInteger(), nullable=True),
        sa.Column("taker", sa.Text(), nullable=True),
        sa.Column("taken", sa.BigInteger(), nullable=True),
        sa.Column("active", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index(
        "ix_incidents_one_waiting",
        "incidents",
        ["camera", "rule", "canary"],
        unique=True,
        sqlite_where=sa.text("state IN ('open', 'taken')"),
        postgresql_where=sa.text("state IN ('open', 'taken')"),
    )
    op.create_index(op.f("ix_incidents_opened"), "incidents", ["opened"], unique=False)
    op.create_index(op.f("ix_incidents_state"), "incidents", ["state"], unique=False)
    op.create_table(
        "signals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident", sa.Uuid(), nullable=False),
        sa.Column("camera", sa.String(length=200), nullable=False),
        sa.Column("rule", sa.String(length=200), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("onset", sa.BigInteger(), nullable=False),
        sa.Column("noticed", sa.BigInteger(), nullable=False),
        sa.Column("x1", sa.Float(), nullable=False),
        sa.Column("y1", sa.Float(), nullable=False),
        sa.Column("x2", sa.Float(), nullable=False),
        sa.Column("y2", sa.Float(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("parameters", sa.String(length=64), nullable=False),
        sa.Column("software", sa.String(length=64), nullable=False),
        sa.Column("laboratory", sa.Boolean(), nullable=False),
        sa.Column("canary", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_signals_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signals")),
    )
    op.create_index(op.f("ix_signals_incident"), "signals", ["incident"], unique=False)
    op.create_index(op.f("ix_signals_noticed"), "signals", ["noticed"], unique=False)
    op.create_table(
        "checks",
        sa.Column("signal", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("measured", sa.Float(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("held_s", sa.Float(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("at_least", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["signal"], ["signals.id"], name=op.f("fk_checks_signal")),
        sa.PrimaryKeyConstraint("signal", "place", name=op.f("pk_checks")),
    )
    op.create_table(
        "verdicts",
        sa.Column("incident", sa.Uuid(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_verdicts_incident")),
        sa.PrimaryKeyConstraint("incident", name=op.f("pk_verdicts")),
    )
    op.create_table(
        "follow_ups",
        sa.Column("incident", sa.Uuid(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident"], ["incidents.id"], name=op.f("fk_follow_ups_incident")
        ),
        sa.PrimaryKeyConstraint("incident", name=op.f("pk_follow_ups")),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("incident", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("camera", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_outbox_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_outbox_at"), "outbox", ["at"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("message", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.String(length=80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message"], ["outbox.id"], name=op.f("fk_deliveries_message"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message", "channel", name=op.f("pk_deliveries")),
    )


def _evidence() -> None:
    op.create_table(
        "evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident", sa.Uuid(), nullable=False),
        sa.Column("sort", sa.String(length=10), nullable=False),
        sa.Column("condition", sa.String(length=10), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_evidence_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
    )
    op.create_index(op.f("ix_evidence_expires_at"), "evidence", ["expires_at"], unique=False)
    op.create_index(op.f("ix_evidence_incident"), "evidence", ["incident"], unique=False)
    op.create_table(
        "evidence_contents",
        sa.Column("piece", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["piece"], ["evidence.id"], name=op.f("fk_evidence_contents_piece")
        ),
        sa.PrimaryKeyConstraint("piece", name=op.f("pk_evidence_contents")),
    )


def _orders() -> None:
    op.create_table(
        "acts",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_acts")),
    )
    op.create_index(op.f("ix_acts_ends"), "acts", ["ends"], unique=False)
    op.create_table(
        "suspensions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["act"], ["acts.reference"], name=op.f("fk_suspensions_act")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspensions")),
    )
    op.create_table(
        "withdrawals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("camera", sa.String(length=200), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawals")),
    )
    op.create_table(
        "stops",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("target", sa.String(length=400), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stops")),
    )


def _settings() -> None:
    op.create_table(
        "settings",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_settings")),
    )


def _begin_the_chain() -> None:
    origin = secrets.token_hex(32)
    op.execute(
        sa.text("INSERT INTO chain_head VALUES (1, :origin, 0, :origin)").bindparams(origin=origin)
    )


def _guard_sqlite() -> None:
    """REPLACE is an insertion to SQLite: no trigger for deletions sees it."""
    refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    known = "WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)"
    back = "WHEN NEW.number < OLD.number OR NEW.origin <> OLD.origin"
    op.execute(f"CREATE TRIGGER audit_no_change BEFORE UPDATE ON audit {refuse}")
    op.execute(f"CREATE TRIGGER audit_no_deletion BEFORE DELETE ON audit {refuse}")
    op.execute(f"CREATE TRIGGER audit_no_replacement BEFORE INSERT ON audit {known} {refuse}")
    op.execute(f"CREATE TRIGGER chain_head_onwards BEFORE UPDATE ON chain_head {back} {refuse}")
    op.execute(f"CREATE TRIGGER chain_head_no_deletion BEFORE DELETE ON chain_head {refuse}")


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
    )
    refuse = "EXECUTE FUNCTION audit_refuse()"
    back = "WHEN (NEW.number < OLD.number OR NEW.origin <> OLD.origin)"
    for table in ("audit", "chain_head"):
        op.execute(
            f"CREATE TRIGGER {table}_no_truncation BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT {refuse}"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_deletion BEFORE DELETE ON {table} FOR EACH ROW {refuse}"
        )
    op.execute(f"CREATE TRIGGER audit_no_change BEFORE UPDATE ON audit FOR EACH ROW {refuse}")
    op.execute(
        "CREATE TRIGGER chain_head_onwards BEFORE UPDATE ON chain_head "
        f"FOR EACH ROW {back} {refuse}"
    )

"""Accounts, sessions, tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _accounts()
    _sessions()
    _tokens()


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("every_camera", sa.Boolean(), nullable=False),
        sa.Column("habilitated_until", sa.BigInteger(), nullable=True),
        sa.Column("trained_until", sa.BigInteger(), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("once", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_accounts")),
    )
    _of_account("account_roles", sa.Column("role", sa.String(length=20), nullable=False))
    _of_account("account_cameras", sa.Column("camera", sa.String(length=200), nullable=False))


def _of_account(table: str, what: sa.Column[str]) -> None:
    op.create_table(
        table,
        sa.Column("account", sa.String(length=40), nullable=False),
        what,
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], name=op.f(f"fk_{table}_account")),
        sa.PrimaryKeyConstraint("account", what.name, name=op.f(f"pk_{table}")),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], name=op.f("fk_sessions_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_account"), "sessions", ["account"], unique=False)
    op.create_index(op.f("ix_sessions_seen"), "sessions", ["seen"], unique=False)


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("every_camera", sa.Boolean(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger(), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], name=op.f("fk_tokens_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    op.create_index(op.f("ix_tokens_account"), "tokens", ["account"], unique=False)
    _of_token("token_permissions", sa.Column("permission", sa.String(length=40), nullable=False))
    _of_token("token_cameras", sa.Column("camera", sa.String(length=200), nullable=False))


def _of_token(table: str, what: sa.Column[str]) -> None:
    op.create_table(
        table,
        sa.Column("token", sa.Uuid(), nullable=False),
        what,
        sa.ForeignKeyConstraint(["token"], ["tokens.id"], name=op.f(f"fk_{table}_token")),
        sa.PrimaryKeyConstraint("token", what.name, name=op.f(f"pk_{table}")),
    )

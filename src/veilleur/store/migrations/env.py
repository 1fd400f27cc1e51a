"""How Alembic is run: in the transaction of `store.migrating`, never on its own."""

from __future__ import annotations

from alembic import context

from veilleur.store.metadata import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()

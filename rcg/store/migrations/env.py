"""Alembic's entry: runs the steps on the connection that :func:`rcg.store.migrate.migrate` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from rcg.store.models import Base


def run() -> None:
    """Run the steps in one transaction: on SQLite too, where the engine begins it itself."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()

"""Run by Alembic: migrates inside the transaction that `database.open_database` has opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()

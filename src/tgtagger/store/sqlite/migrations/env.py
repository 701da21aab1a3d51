"""Alembic's environment: run the migrations on the given connection, in its transaction."""

from alembic import context

given = context.config.attributes
context.configure(
    connection=given["connection"], transactional_ddl=True, on_version_apply=given["on_revision"]
)
with context.begin_transaction():
    context.run_migrations()

"""Alembic's entry: runs the revisions on the connection `serving.schema.upgrade` hands over, in its transaction."""

from alembic import context

from serving.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()

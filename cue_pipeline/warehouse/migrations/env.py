"""What alembic runs; the connection is handed over, with its transaction."""

from alembic import context

from cue_pipeline.warehouse.migrations import VERSION_TABLE
from cue_pipeline.warehouse.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()

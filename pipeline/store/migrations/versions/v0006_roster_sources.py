"""The roster by source, so that a night replaces no other source's agents.

Until now the last night replaced them all, so what is there is taken for the roster of the last run's source; the next
night of that source replaces it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("roster", sa.Column("source", sa.Text(), nullable=True))
    op.execute("UPDATE roster SET source = COALESCE((SELECT source FROM runs ORDER BY id DESC LIMIT 1), '')")
    with op.batch_alter_table("roster") as roster:  # SQLite can only make such a column by making the table anew
        roster.alter_column("source", existing_type=sa.Text(), nullable=False)

"""Closed months, the agents' figures, and indexes for balances among a million entries."""

import sqlalchemy as sa
from alembic import op

from zhijian.pipeline.store.append_only import refuse_changes

revision = "0002"
down_revision = "0001"

# with the conditions under which an SQLite row is there already
_ADDED_ONLY = {
    "month_closings": "id = NEW.id OR (scheme = NEW.scheme AND period = NEW.period)",
    "day_figures": "id = NEW.id",
}


def upgrade() -> None:
    op.drop_index("ix_ledger_entries_account_period", "ledger_entries")
    op.create_index(
        "ix_ledger_entries_account_balance",
        "ledger_entries",
        ["account", "scheme", "period", "item", "points_credited_hundredths"],
    )
    op.create_index(
        "ix_ledger_entries_month_balance",
        "ledger_entries",
        ["scheme", "period", "account", "item", "points_credited_hundredths"],
    )
    op.create_index("ix_ledger_entries_source_id", "ledger_entries", ["source_id"])
    op.create_table(
        "month_closings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.Text(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("sheet", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_month_closings"),
        sa.UniqueConstraint("scheme", "period", name="uq_month_closings_scheme_period"),
    )
    op.create_table(
        "day_figures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agent_no", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_day_figures"),
    )
    op.create_index("ix_day_figures_agent_no_day", "day_figures", ["agent_no", "day"])
    op.create_index("ix_day_figures_day", "day_figures", ["day"])
    for table, is_there in _ADDED_ONLY.items():
        refuse_changes(table, is_there)

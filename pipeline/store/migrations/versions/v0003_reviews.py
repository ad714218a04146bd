"""What people decide about scorecards."""

import sqlalchemy as sa
from alembic import op

from zhijian.pipeline.store.append_only import refuse_changes

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call", sa.Integer(), nullable=False),
        sa.Column("scorecard", sa.Integer(), nullable=False),
        sa.Column("result", sa.Integer(), nullable=False),
        sa.Column("rulings", sa.JSON(), nullable=False),
        sa.Column("veto_confirmed", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name="fk_reviews_call"),
        sa.ForeignKeyConstraint(["scorecard"], ["scorecards.id"], name="fk_reviews_scorecard"),
        sa.ForeignKeyConstraint(["result"], ["scorecards.id"], name="fk_reviews_result"),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
    )
    op.create_index("ix_reviews_call", "reviews", ["call"])
    refuse_changes("reviews")

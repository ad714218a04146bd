"""What people decide about scorecards."""

import sqlalchemy as sa
from alembic import op

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
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION reviews_refuses() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'reviews is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER reviews_refuses BEFORE UPDATE OR DELETE OR TRUNCATE ON reviews "
            "FOR EACH STATEMENT EXECUTE FUNCTION reviews_refuses()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER reviews_refuses_{verb.lower()} BEFORE {verb} ON reviews "
            "BEGIN SELECT RAISE(ABORT, 'reviews is append-only'); END"
        )
    op.execute(
        "CREATE TRIGGER reviews_only_appends BEFORE INSERT ON reviews "
        "WHEN EXISTS (SELECT 1 FROM reviews WHERE id = NEW.id) "
        "BEGIN SELECT RAISE(ABORT, 'reviews is append-only'); END"
    )

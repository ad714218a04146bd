"""Calls drawn for people to look at, and sessions in which several people judge the same calls blind."""

import sqlalchemy as sa
from alembic import op

from zhijian.pipeline.store.append_only import refuse_changes
from zhijian.pipeline.store.tables import calls, publications, scorecards
from zhijian.pipeline.store.worklist import list_call

revision = "0005"
down_revision = "0004"

_ADDED_ONLY = {
    "samples": "id = NEW.id",
    "sampled_calls": "sample = NEW.sample AND call = NEW.call",
    "calibration_calls": "calibration = NEW.calibration AND scorecard = NEW.scorecard",
    "calibration_verdicts": (
        "calibration = NEW.calibration AND scorecard = NEW.scorecard AND item = NEW.item AND rater = NEW.rater"
    ),
}


def upgrade() -> None:
    _create_samples()
    _create_calibrations()
    for table, is_there in _ADDED_ONLY.items():
        refuse_changes(table, is_there)
    _list_what_is_there(op.get_bind())


def _create_samples() -> None:
    op.create_table(
        "samples",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=False),
        sa.Column("per_agent", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("triggers", sa.JSON(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("drawn_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_samples"),
    )
    op.create_table(
        "sampled_calls",
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.Column("call", sa.Integer(), nullable=False),
        sa.Column("drawn_for", sa.Text(), nullable=False),
        sa.Column("risks", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["sample"], ["samples.id"], name="fk_sampled_calls_sample"),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name="fk_sampled_calls_call"),
        sa.PrimaryKeyConstraint("sample", "call", name="pk_sampled_calls"),
    )
    op.create_index("ix_sampled_calls_call", "sampled_calls", ["call"])


def _create_calibrations() -> None:
    op.create_table(
        "calibrations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_calibrations"),
    )
    op.create_table(
        "calibration_calls",
        sa.Column("calibration", sa.Integer(), nullable=False),
        sa.Column("scorecard", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["calibration"], ["calibrations.id"], name="fk_calibration_calls_calibration"),
        sa.ForeignKeyConstraint(["scorecard"], ["scorecards.id"], name="fk_calibration_calls_scorecard"),
        sa.PrimaryKeyConstraint("calibration", "scorecard", name="pk_calibration_calls"),
    )
    op.create_table(
        "calibration_verdicts",
        sa.Column("calibration", sa.Integer(), nullable=False),
        sa.Column("scorecard", sa.Integer(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("rater", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("judged_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calibration", "scorecard"],
            ["calibration_calls.calibration", "calibration_calls.scorecard"],
            name="fk_calibration_verdicts_calibration",
        ),
        sa.PrimaryKeyConstraint("calibration", "scorecard", "item", "rater", name="pk_calibration_verdicts"),
    )


def _list_what_is_there(conn: sa.Connection) -> None:
    last = sa.select(sa.func.max(publications.c.id)).group_by(publications.c.call)
    decided = conn.execute(
        sa.select(publications.c.call, publications.c.state, scorecards.c.id, scorecards.c.content)
        .join_from(publications, scorecards, publications.c.scorecard == scorecards.c.id)
        .join(calls, calls.c.id == publications.c.call)
        .where(publications.c.id.in_(last), calls.c.state == publications.c.state)
    )
    for row in decided.all():
        list_call(conn, row.call, row.id, row.content, published=row.state == "published")

"""The review workbench: people, sessions, what they looked at, what waits for them, and appeals."""

import sqlalchemy as sa
from alembic import op

from zhijian.pipeline.store.append_only import refuse_changes

revision = "0004"
down_revision = "0003"

_ADDED_ONLY = {
    "access_log": "id = NEW.id",
    "veto_votes": "id = NEW.id OR (scorecard = NEW.scorecard AND actor = NEW.actor)",
    "corrections": "id = NEW.id",
    "appeals": "id = NEW.id OR (call = NEW.call AND item = NEW.item)",
    "appeal_decisions": "appeal = NEW.appeal",
}


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("agent_no", sa.Text(), nullable=True),
        sa.Column("teams", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
    )
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name="fk_sessions_account"),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_sessions"),
    )
    op.create_index("ix_sessions_account", "sessions", ["account"])
    op.create_table(
        "login_failures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_failures"),
    )
    op.create_index("ix_login_failures_address_at_s", "login_failures", ["address", "at_s"])
    op.create_index("ix_login_failures_name_at_s", "login_failures", ["name", "at_s"])
    op.create_table(
        "access_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("call", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_log"),
    )
    op.create_index("ix_access_log_actor", "access_log", ["actor"])
    op.create_index("ix_access_log_call", "access_log", ["call"])
    op.create_table(
        "worklist",
        sa.Column("call", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("scorecard", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("started_at_utc", sa.Text(), nullable=False),
        sa.Column("agent_no", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("scenario", sa.Text(), nullable=True),
        sa.Column("score_tenths", sa.Integer(), nullable=True),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name="fk_worklist_call"),
        sa.ForeignKeyConstraint(["scorecard"], ["scorecards.id"], name="fk_worklist_scorecard"),
        sa.PrimaryKeyConstraint("call", name="pk_worklist"),
    )
    op.create_index("ix_worklist_agent_no_day", "worklist", ["agent_no", "day"])
    op.create_index("ix_worklist_rank_started_at_utc_call", "worklist", ["rank", "started_at_utc", "call"])
    op.create_index("ix_worklist_started_at_utc", "worklist", ["started_at_utc"])
    op.create_table(
        "worklist_items",
        sa.Column("call", sa.Integer(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["call"], ["worklist.call"], name="fk_worklist_items_call"),
        sa.PrimaryKeyConstraint("call", "item", name="pk_worklist_items"),
    )
    op.create_index("ix_worklist_items_item_call", "worklist_items", ["item", "call"])
    op.create_table(
        "holds",
        sa.Column("call", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("until_s", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name="fk_holds_account"),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name="fk_holds_call"),
        sa.PrimaryKeyConstraint("call", name="pk_holds"),
    )
    op.create_index("ix_holds_account", "holds", ["account"])
    op.create_table(
        "veto_votes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scorecard", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("voted_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["scorecard"], ["scorecards.id"], name="fk_veto_votes_scorecard"),
        sa.PrimaryKeyConstraint("id", name="pk_veto_votes"),
        sa.UniqueConstraint("scorecard", "actor", name="uq_veto_votes_scorecard_actor"),
    )
    op.create_table(
        "corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call", sa.Integer(), nullable=False),
        sa.Column("scorecard", sa.Integer(), nullable=False),
        sa.Column("result", sa.Integer(), nullable=False),
        sa.Column("utterance", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("corrected_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name="fk_corrections_call"),
        sa.ForeignKeyConstraint(["result"], ["scorecards.id"], name="fk_corrections_result"),
        sa.ForeignKeyConstraint(["scorecard"], ["scorecards.id"], name="fk_corrections_scorecard"),
        sa.PrimaryKeyConstraint("id", name="pk_corrections"),
    )
    op.create_index("ix_corrections_call", "corrections", ["call"])
    op.create_table(
        "appeals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call", sa.Integer(), nullable=False),
        sa.Column("scorecard", sa.Integer(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("agent_no", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("filed_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name="fk_appeals_call"),
        sa.ForeignKeyConstraint(["scorecard"], ["scorecards.id"], name="fk_appeals_scorecard"),
        sa.PrimaryKeyConstraint("id", name="pk_appeals"),
        sa.UniqueConstraint("call", "item", name="uq_appeals_call_item"),
    )
    op.create_index("ix_appeals_agent_no", "appeals", ["agent_no"])
    op.create_table(
        "appeal_decisions",
        sa.Column("appeal", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("upheld", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["appeal"], ["appeals.id"], name="fk_appeal_decisions_appeal"),
        sa.PrimaryKeyConstraint("appeal", name="pk_appeal_decisions"),
    )
    for table, is_there in _ADDED_ONLY.items():
        refuse_changes(table, is_there)

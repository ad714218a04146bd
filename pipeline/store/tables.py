"""The tables. The migrations create them; a test compares the two.

A column named after a noun (`call`, `hearing`, `scorecard`) holds the id of its row; records lie in `content`.
Revisions, scorecards, publications, decisions, figures and ledger entries are added, and the latest one counts;
overwritten are `calls` (state and latest revision), `roster` and `runs`.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from zhijian.models.records.call import Call
from zhijian.models.records.dialogue import Dialogue
from zhijian.models.records.recording import Recording
from zhijian.models.records.scorecard import Scorecard
from zhijian.pipeline.store.columns import DayText, MomentText, RecordText

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column("started_at", MomentText, nullable=False),
    Column("ended_at", MomentText),
    Column("result", Text),  # JSON, what run.json says
)

hearings = Table(
    "hearings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recording_sha256", Text, nullable=False),
    Column("engine_fingerprint", Text, nullable=False),
    Column("recording", RecordText(Recording), nullable=False),
    Column("dialogue", RecordText(Dialogue), nullable=False),
    Column("hearing_s", Float, nullable=False),  # seconds it took
    Column("heard_at", MomentText, nullable=False),
    UniqueConstraint("recording_sha256", "engine_fingerprint"),
)

calls = Table(
    "calls",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("content", RecordText(Call), nullable=False),
    Column("day", DayText, nullable=False),  # the local day of the call
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),  # attempts that ended in an exception
    Column("crashes", Integer, nullable=False),  # attempts that ended with the process
    Column("attempt_started_at", MomentText),  # an attempt is open
    Column("reason", Text),  # why the last attempt failed
    Column("hearing", ForeignKey("hearings.id")),
    Column("first_seen_at", MomentText, nullable=False),
    Column("updated_at", MomentText, nullable=False),
    UniqueConstraint("source", "call_id"),
    Index(None, "source", "state"),
    Index(None, "hearing"),
)

call_revisions = Table(
    "call_revisions",
    metadata,
    Column("call", ForeignKey("calls.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("content", RecordText(Call), nullable=False),
    Column("seen_at", MomentText, nullable=False),
    PrimaryKeyConstraint("call", "revision"),
)

scorecards = Table(
    "scorecards",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("call", ForeignKey("calls.id"), nullable=False),
    Column("revision", Integer, nullable=False),  # of the call's row that was judged
    Column("agent_no", Text, nullable=False),
    Column("day", DayText, nullable=False),
    Column("standard_sha256", Text, nullable=False),
    Column("content", RecordText(Scorecard), nullable=False),
    Column("hearing", ForeignKey("hearings.id")),  # what was judged; None where nothing could be heard
    Column("judged_at", MomentText, nullable=False),
    Index(None, "call"),
    Index(None, "agent_no", "day"),
)

publications = Table(
    "publications",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("call", ForeignKey("calls.id"), nullable=False),
    Column("scorecard", ForeignKey("scorecards.id"), nullable=False),
    Column("state", Text, nullable=False),  # published | held
    Column("actor", Text, nullable=False),
    Column("decided_at", MomentText, nullable=False),
    Index(None, "call"),
    Index(None, "scorecard"),
)

# A person's decision: from the scorecard that was looked at to the one with the rulings in it. Added only, by triggers.
reviews = Table(
    "reviews",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("call", ForeignKey("calls.id"), nullable=False),
    Column("scorecard", ForeignKey("scorecards.id"), nullable=False),
    Column("result", ForeignKey("scorecards.id"), nullable=False),
    Column("rulings", JSON, nullable=False),
    Column("veto_confirmed", Boolean),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("decided_at", MomentText, nullable=False),
    Index(None, "call"),
)

roster = Table(
    "roster",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column("agent_no", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("from_day", DayText),
    Column("to_day", DayText),
    Column("active", Boolean, nullable=False),
    Index(None, "agent_no"),
)

# Plain integers and text only, so that what is hashed is what lies in the database. Triggers refuse UPDATE and DELETE.
ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("scheme", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source_kind", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("source_revision", Integer, nullable=False),
    Column("effective_day", Text, nullable=False),
    Column("points_raw_hundredths", BigInteger, nullable=False),
    Column("points_credited_hundredths", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("posted_at", Text, nullable=False),
    Column("reverses", BigInteger),
    Column("details", Text, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint(
        *("scheme", "account", "period", "item", "kind", "source_kind", "source_id", "source_revision"),
        name="uq_ledger_entries_natural_key",
    ),
    # what is summed lies in the index itself, so that a balance among a million entries reads nothing else
    Index("ix_ledger_entries_account_balance", "account", "scheme", "period", "item", "points_credited_hundredths"),
    Index("ix_ledger_entries_month_balance", "scheme", "period", "account", "item", "points_credited_hundredths"),
    Index(None, "source_id"),
    Index(None, "reverses"),
)

# Triggers refuse UPDATE and DELETE here, too.
month_closings = Table(
    "month_closings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("scheme", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("closed_at", MomentText, nullable=False),
    Column("entries", BigInteger, nullable=False),  # their number when the month was closed, and the last one's hash
    Column("head", Text, nullable=False),
    Column("sheet", JSON, nullable=False),
    UniqueConstraint("scheme", "period"),
)

# The latest row of an agent's day counts.
day_figures = Table(
    "day_figures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("agent_no", Text, nullable=False),
    Column("day", DayText, nullable=False),
    Column("figures", JSON, nullable=False),
    Column("actor", Text, nullable=False),
    Column("imported_at", MomentText, nullable=False),
    Index(None, "agent_no", "day"),
    Index(None, "day"),
)

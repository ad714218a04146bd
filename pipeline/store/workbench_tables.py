"""The tables of the review workbench: its people, what waits for them, and what they say beside their decisions.

They stand beside those of `tables`, in the same database. `worklist`, `holds`, `accounts`, `sessions` and
`login_failures` keep what is so at the moment; everything else is added only.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from zhijian.pipeline.store.columns import DayText, MomentText
from zhijian.pipeline.store.tables import metadata

# The people who use the review workbench.
accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("agent_no", Text),
    Column("teams", JSON, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("password_hash", Text),  # None: comes in through the company's own sign-on
    Column("created_at", MomentText, nullable=False),
    UniqueConstraint("name"),
)

# The token itself is with the browser only.
sessions = Table(
    "sessions",
    metadata,
    Column("token_sha256", Text, primary_key=True),
    Column("account", ForeignKey("accounts.id"), nullable=False),
    Column("csrf", Text, nullable=False),
    Column("opened_at", MomentText, nullable=False),
    Column("seen_at", MomentText, nullable=False),
    Index(None, "account"),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("at_s", BigInteger, nullable=False),  # seconds since 1970
    Index(None, "name", "at_s"),
    Index(None, "address", "at_s"),
)

# Who looked at what, and did what. Added only, by triggers.
access_log = Table(
    "access_log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", MomentText, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("call", Integer),
    Column("detail", Text, nullable=False),
    Index(None, "call"),
    Index(None, "actor"),
)

# One row a call that was published or held: what lists and queues show and choose by. Made from the latest scorecard.
worklist = Table(
    "worklist",
    metadata,
    Column("call", ForeignKey("calls.id"), primary_key=True, autoincrement=False),
    Column("scorecard", ForeignKey("scorecards.id"), nullable=False),
    Column("call_id", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("started_at", MomentText, nullable=False),
    Column("started_at_utc", Text, nullable=False),  # text that sorts as time does
    Column("agent_no", Text, nullable=False),
    Column("day", DayText, nullable=False),
    Column("scenario", Text),
    Column("score_tenths", Integer),
    Column("published", Boolean, nullable=False),
    Index(None, "rank", "started_at_utc", "call"),
    Index(None, "agent_no", "day"),
    Index(None, "started_at_utc"),
)

# The items of these calls that a person may want to choose by: deductions and doubts.
worklist_items = Table(
    "worklist_items",
    metadata,
    Column("call", ForeignKey("worklist.call"), nullable=False),
    Column("item", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    PrimaryKeyConstraint("call", "item"),
    Index(None, "item", "call"),
)

# Who has a call before him: until a moment, or, where somebody was given it, until it is decided.
holds = Table(
    "holds",
    metadata,
    Column("call", ForeignKey("calls.id"), primary_key=True, autoincrement=False),
    Column("account", ForeignKey("accounts.id"), nullable=False),
    Column("until_s", BigInteger),  # seconds since 1970
    Index(None, "account"),
)

# A veto that two people have to confirm: what each of them says of the scorecard. Added only, by triggers.
veto_votes = Table(
    "veto_votes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("scorecard", ForeignKey("scorecards.id"), nullable=False),
    Column("actor", Text, nullable=False),
    Column("voted_at", MomentText, nullable=False),
    UniqueConstraint("scorecard", "actor"),
)

# A line of a transcript that a person has put right: from which scorecard to which. Added only, by triggers.
corrections = Table(
    "corrections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("call", ForeignKey("calls.id"), nullable=False),
    Column("scorecard", ForeignKey("scorecards.id"), nullable=False),
    Column("result", ForeignKey("scorecards.id"), nullable=False),
    Column("utterance", Integer, nullable=False),  # its place in the dialogue, from 0
    Column("actor", Text, nullable=False),
    Column("corrected_at", MomentText, nullable=False),
    Index(None, "call"),
)

# What an agent says against a deduction, and what came of it. Both added only, by triggers.
appeals = Table(
    "appeals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("call", ForeignKey("calls.id"), nullable=False),
    Column("scorecard", ForeignKey("scorecards.id"), nullable=False),
    Column("item", Text, nullable=False),
    Column("agent_no", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("filed_at", MomentText, nullable=False),
    UniqueConstraint("call", "item"),
    Index(None, "agent_no"),
)

appeal_decisions = Table(
    "appeal_decisions",
    metadata,
    Column("appeal", ForeignKey("appeals.id"), primary_key=True, autoincrement=False),
    Column("upheld", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("decided_at", MomentText, nullable=False),
)

# Which calls were drawn for a person to look at, and why each. Added only.
samples = Table(
    "samples",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("from_day", DayText, nullable=False),
    Column("to_day", DayText, nullable=False),
    Column("per_agent", Integer, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("triggers", JSON, nullable=False),
    Column("actor", Text, nullable=False),
    Column("drawn_at", MomentText, nullable=False),
)

sampled_calls = Table(
    "sampled_calls",
    metadata,
    Column("sample", ForeignKey("samples.id"), nullable=False),
    Column("call", ForeignKey("calls.id"), nullable=False),
    Column("drawn_for", Text, nullable=False),  # random | trigger
    Column("risks", JSON, nullable=False),  # what made it risky, of random ones, too
    PrimaryKeyConstraint("sample", "call"),
    Index(None, "call"),
)

# Several people judge the same calls blind. Added only, but for the moment of closing.
calibrations = Table(
    "calibrations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", MomentText, nullable=False),
    Column("closed_at", MomentText),
)

calibration_calls = Table(
    "calibration_calls",
    metadata,
    Column("calibration", ForeignKey("calibrations.id"), nullable=False),
    Column("scorecard", ForeignKey("scorecards.id"), nullable=False),
    PrimaryKeyConstraint("calibration", "scorecard"),
)

calibration_verdicts = Table(
    "calibration_verdicts",
    metadata,
    Column("calibration", Integer, nullable=False),
    Column("scorecard", Integer, nullable=False),
    Column("item", Text, nullable=False),
    Column("rater", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("judged_at", MomentText, nullable=False),
    PrimaryKeyConstraint("calibration", "scorecard", "item", "rater"),
    ForeignKeyConstraint(
        ["calibration", "scorecard"], ["calibration_calls.calibration", "calibration_calls.scorecard"]
    ),
)

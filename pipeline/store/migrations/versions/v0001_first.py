"""The first version: calls, hearings, scorecards, publications, roster, runs and the append-only ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_hearings_and_calls()
    _create_judgements()
    _create_roster_and_runs()
    _create_ledger()
    if op.get_bind().dialect.name == "postgresql":
        _guard_ledger_on_postgresql()
    else:
        _guard_ledger_on_sqlite()


def _create_hearings_and_calls() -> None:
    op.create_table(
        "hearings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recording_sha256", sa.Text(), nullable=False),
        sa.Column("engine_fingerprint", sa.Text(), nullable=False),
        sa.Column("recording", sa.Text(), nullable=False),
        sa.Column("dialogue", sa.Text(), nullable=False),
        sa.Column("hearing_s", sa.Float(), nullable=False),
        sa.Column("heard_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hearings"),
        sa.UniqueConstraint(
            "recording_sha256", "engine_fingerprint", name="uq_hearings_recording_sha256_engine_fingerprint"
        ),
    )
    op.create_table(
        "calls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("attempt_started_at", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("hearing", sa.Integer(), nullable=True),
        sa.Column("first_seen_at", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["hearing"], ["hearings.id"], name="fk_calls_hearing"),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
        sa.UniqueConstraint("source", "call_id", name="uq_calls_source_call_id"),
    )
    op.create_index("ix_calls_hearing", "calls", ["hearing"])
    op.create_index("ix_calls_source_state", "calls", ["source", "state"])
    op.create_table(
        "call_revisions",
        sa.Column("call", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name="fk_call_revisions_call"),
        sa.PrimaryKeyConstraint("call", "revision", name="pk_call_revisions"),
    )


def _create_judgements() -> None:
    op.create_table(
        "scorecards",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("agent_no", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("standard_sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("hearing", sa.Integer(), nullable=True),
        sa.Column("judged_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name="fk_scorecards_call"),
        sa.ForeignKeyConstraint(["hearing"], ["hearings.id"], name="fk_scorecards_hearing"),
        sa.PrimaryKeyConstraint("id", name="pk_scorecards"),
    )
    op.create_index("ix_scorecards_call", "scorecards", ["call"])
    op.create_index("ix_scorecards_agent_no_day", "scorecards", ["agent_no", "day"])
    op.create_table(
        "publications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call", sa.Integer(), nullable=False),
        sa.Column("scorecard", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name="fk_publications_call"),
        sa.ForeignKeyConstraint(["scorecard"], ["scorecards.id"], name="fk_publications_scorecard"),
        sa.PrimaryKeyConstraint("id", name="pk_publications"),
    )
    op.create_index("ix_publications_call", "publications", ["call"])
    op.create_index("ix_publications_scorecard", "publications", ["scorecard"])


def _create_roster_and_runs() -> None:
    op.create_table(
        "roster",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agent_no", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=True),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_roster"),
    )
    op.create_index("ix_roster_agent_no", "roster", ["agent_no"])
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )


def _create_ledger() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("source_revision", sa.Integer(), nullable=False),
        sa.Column("effective_day", sa.Text(), nullable=False),
        sa.Column("points_raw_hundredths", sa.BigInteger(), nullable=False),
        sa.Column("points_credited_hundredths", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("posted_at", sa.Text(), nullable=False),
        sa.Column("reverses", sa.BigInteger(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_ledger_entries"),
        sa.UniqueConstraint(
            *("scheme", "account", "period", "item", "kind", "source_kind", "source_id", "source_revision"),
            name="uq_ledger_entries_natural_key",
        ),
    )
    op.create_index("ix_ledger_entries_account_period", "ledger_entries", ["account", "period"])
    op.create_index("ix_ledger_entries_reverses", "ledger_entries", ["reverses"])


def _guard_ledger_on_sqlite() -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER ledger_refuses_{verb.lower()} BEFORE {verb} ON ledger_entries "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        )
    # INSERT OR REPLACE deletes without asking the DELETE trigger, so what it would replace is refused here
    op.execute(
        """
        CREATE TRIGGER ledger_only_appends BEFORE INSERT ON ledger_entries
        WHEN NEW.seq IS NOT (SELECT COALESCE(MAX(seq), 0) + 1 FROM ledger_entries)
          OR NEW.prev_hash IS NOT COALESCE((SELECT hash FROM ledger_entries ORDER BY seq DESC LIMIT 1), zeros)
          OR EXISTS (SELECT 1 FROM ledger_entries
                     WHERE scheme = NEW.scheme AND account = NEW.account AND period = NEW.period AND item = NEW.item
                       AND kind = NEW.kind AND source_kind = NEW.source_kind AND source_id = NEW.source_id
                       AND source_revision = NEW.source_revision)
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
        """.replace("zeros", f"'{'0' * 64}'")
    )


def _guard_ledger_on_postgresql() -> None:
    op.execute(
        """
        CREATE FUNCTION ledger_refuses() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$
        """
    )
    op.execute(
        "CREATE TRIGGER ledger_refuses BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuses()"
    )
    op.execute(
        """
        CREATE FUNCTION ledger_only_appends() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            IF NEW.seq IS DISTINCT FROM (SELECT COALESCE(MAX(seq), 0) + 1 FROM ledger_entries)
               OR NEW.prev_hash IS DISTINCT FROM
                  COALESCE((SELECT hash FROM ledger_entries ORDER BY seq DESC LIMIT 1), repeat('0', 64))
            THEN RAISE EXCEPTION 'the ledger is append-only'; END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER ledger_only_appends BEFORE INSERT ON ledger_entries "
        "FOR EACH ROW EXECUTE FUNCTION ledger_only_appends()"
    )

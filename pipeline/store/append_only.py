"""Tables that the database itself lets nobody change: triggers refuse UPDATE, DELETE and replacement."""

from alembic import op


def refuse_changes(table: str, is_there: str = "id = NEW.id") -> None:
    """Puts the triggers on a table; to be called in a migration. `is_there` finds the row that a new one would replace:
    SQLite's INSERT OR REPLACE deletes without asking the DELETE trigger.
    """
    says = f"{table} is append-only"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION {table}_refuses() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{says}'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_refuses BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuses()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
        )
    op.execute(
        f"CREATE TRIGGER {table}_only_appends BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {is_there}) "
        f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
    )

"""Let the database itself refuse to change or delete a line of the audit log."""

from django.apps.registry import Apps as StateApps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SQLITE = [
    """
    CREATE TRIGGER ledger_auditentry_no_update BEFORE UPDATE ON ledger_auditentry
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
    """,
    """
    CREATE TRIGGER ledger_auditentry_no_delete BEFORE DELETE ON ledger_auditentry
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
    """,
]

# SQLite's INSERT OR REPLACE deletes without firing a delete trigger, so a second line of the same
# number is refused as well.
SQLITE.append(
    """
    CREATE TRIGGER ledger_auditentry_no_replace BEFORE INSERT ON ledger_auditentry
    WHEN EXISTS (SELECT 1 FROM ledger_auditentry WHERE sequence = NEW.sequence)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
    """
)

POSTGRESQL = [
    """
    CREATE FUNCTION ledger_auditentry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$
    """,
    """
    CREATE TRIGGER ledger_auditentry_no_change BEFORE UPDATE OR DELETE ON ledger_auditentry
    FOR EACH ROW EXECUTE FUNCTION ledger_auditentry_refuse()
    """,
    """
    CREATE TRIGGER ledger_auditentry_no_truncate BEFORE TRUNCATE ON ledger_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_auditentry_refuse()
    """,
]


def add_triggers(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Create the triggers of this database."""
    statements = {"sqlite": SQLITE, "postgresql": POSTGRESQL}[schema_editor.connection.vendor]
    for statement in statements:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    """There is no way back: a log that could be changed for a while proves nothing."""

    dependencies = [("ledger", "0001_tables")]

    operations = [migrations.RunPython(add_triggers)]

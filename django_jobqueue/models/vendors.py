"""Migration operations for one kind of database, which leave every other as it is."""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class _OnVendor(Operation):
    vendor: str

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if schema_editor.connection.vendor == self.vendor:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if schema_editor.connection.vendor == self.vendor:
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class OnPostgreSQL(_OnVendor):
    """Put it before the operation: `class AddIndex(OnPostgreSQL, migrations.AddIndex)`."""

    vendor = "postgresql"


class OnSQLite(_OnVendor):
    """Put it before the operation, as `OnPostgreSQL`."""

    vendor = "sqlite"

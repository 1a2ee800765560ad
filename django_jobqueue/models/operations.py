"""Migration operations around others."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class Around(SeparateDatabaseAndState):
    """Does what its operations do; a subclass says what comes before and after, or where."""

    serialization_expand_args = ["operations"]

    def __init__(self, operations: Sequence[Operation]) -> None:
        super().__init__(database_operations=operations, state_operations=operations)

    def around(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor
    ) -> AbstractContextManager[bool]:
        """Surround a change of the database; what it yields says whether there is one to make."""
        return nullcontext(True)

    def deconstruct(self) -> Any:
        return type(self).__qualname__, [], {"operations": self.database_operations}

    def describe(self) -> str:
        return "; ".join(operation.describe() for operation in self.database_operations)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        with self.around(app_label, schema_editor) as is_meant:
            if is_meant:
                super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        with self.around(app_label, schema_editor) as is_meant:
            if is_meant:
                super().database_backwards(app_label, schema_editor, from_state, to_state)


class OnVendor(Around):
    """Operations for one kind of database; elsewhere only the models' state follows.

    operations = [OnVendor("postgresql", [migrations.AddIndex("job", …), …])]
    """

    def __init__(self, vendor: str, operations: Sequence[Operation]) -> None:
        super().__init__(operations)
        self.vendor = vendor

    def deconstruct(self) -> Any:
        name, args, kwargs = super().deconstruct()
        return name, args, {"vendor": self.vendor, **kwargs}

    @contextmanager
    def around(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor) -> Iterator[bool]:
        yield schema_editor.connection.vendor == self.vendor

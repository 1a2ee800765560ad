"""A fault put into the code of this process."""

import gc
import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from .mutant import PACKAGE, Mutant
from .python import mutated_code
from .sql import mutated_text
from .tracing import forget_answers


def functions_by_place() -> dict[tuple[str, str, int], list[FunctionType]]:
    """Every function of the package that there is, by file, qualified name and first line."""
    places: dict[tuple[str, str, int], list[FunctionType]] = {}
    for found in gc.get_objects():
        if isinstance(found, FunctionType):
            code = found.__code__
            if code.co_filename.startswith(str(PACKAGE)):
                places.setdefault(_place(code), []).append(found)
    return places


def plant(mutant: Mutant, *, functions: dict[tuple[str, str, int], list[FunctionType]]) -> None:
    """Put the fault into what is imported already."""
    forget_answers()
    if mutant.statement is not None:
        _plant_statement(mutant)
        return
    code = mutated_code(mutant.source, index=mutant.index, filename=str(mutant.path))
    for inner in _codes_within(code):
        for function in functions.get(_place(inner), ()):
            if function.__code__ != inner:
                function.__code__ = inner


def _place(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _codes_within(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes_within(constant)


def _plant_statement(mutant: Mutant) -> None:
    from django_jobqueue.store import sql

    sql.load.__wrapped__.__globals__["_FOLDER"] = _PlantedFiles(mutant)


class _PlantedFiles:
    """Stands for the folder of the statements, one of which has a fault."""

    def __init__(self, mutant: Mutant, path: Path | None = None) -> None:
        self.mutant = mutant
        self.path = path or mutant.path.parent.parent

    def joinpath(self, vendor: str, name: str) -> "_PlantedFiles":
        return _PlantedFiles(self.mutant, self.path / vendor / name)

    def read_text(self, encoding: str) -> str:
        if self.path == self.mutant.path:
            return mutated_text(self.mutant.source, index=self.mutant.index)
        return self.path.read_text(encoding=encoding)


class PlantedImport(MetaPathFinder):
    """Imports the module of the mutant with its fault, and everything else as it is."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = (
            PathFinder.find_spec(fullname, path) if fullname.startswith("django_jobqueue") else None
        )
        if spec is not None and spec.origin == str(self.mutant.path):
            spec.loader = _PlantedLoader(fullname, spec.origin, self.mutant)
        return spec


class _PlantedLoader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, mutant: Mutant) -> None:
        super().__init__(fullname, path)
        self.mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        return mutated_code(
            self.mutant.source, index=self.mutant.index, filename=str(self.mutant.path)
        )


def plant_in_imports(mutant: Mutant) -> None:
    """Have the fault imported; before anything of the package is."""
    sys.meta_path.insert(0, PlantedImport(mutant))

"""A mutant, and the name by which a run recognises it again."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent.parent / "django_jobqueue"
#: The verdicts on a mutant that could not be tried: no function has it, or no test reaches it.
AT_IMPORT, UNREACHED = "at import", "unreached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """Fault number `index` of `file` (relative to the package), in lines `line` to `last_line`.

    `source` is the text without it.
    `at_import`: it shows when the module is imported, not when one of its functions runs.
    """

    file: str
    index: int
    scope: str = ""
    text: str
    change: str
    source: str
    line: int
    last_line: int
    at_import: bool = False
    number: int = 1

    @property
    def name(self) -> str:
        """Says nothing of line numbers, so that it stays what it is when others write above it."""
        again = f" #{self.number}" if self.number > 1 else ""
        return f"{self.place}: {self.text} | {self.change}{again}"

    @property
    def place(self) -> str:
        """The file and the function."""
        return f"{self.file} {self.scope}".rstrip()

    @property
    def package(self) -> str:
        return self.file.partition("/")[0]

    def is_for(self, vendor: str) -> bool:
        """Whether the fault is in what this database alone runs."""
        own = {"postgresql": ("postgresql", "sessions", "notifications"), "sqlite": ("sqlite",)}
        return any(word in self.file for word in own[vendor])

    def is_one_of(self, texts: Sequence[str]) -> bool:
        """Whether its name has one of the texts; true of every mutant where there are none."""
        return not texts or any(text in self.name for text in texts)

    @property
    def part(self) -> str:
        """What it is counted under: its package, and whose SQL it is."""
        return f"{self.package}, SQL of {self.statement[0]}" if self.statement else self.package

    @property
    def path(self) -> Path:
        return PACKAGE / self.file

    @property
    def statement(self) -> tuple[str, str] | None:
        """Vendor and name of the SQL file, where it is one."""
        return (self.path.parent.name, self.path.stem) if self.path.suffix == ".sql" else None


def numbered(mutants: Iterable[Mutant]) -> Iterator[Mutant]:
    """Tell apart the mutants of a file that read the same."""
    seen: Counter[str] = Counter()
    for mutant in mutants:
        seen[mutant.name] += 1
        yield replace(mutant, number=seen[mutant.name])


def mutants_of(packages: Iterable[str]) -> list[Mutant]:
    from .python import python_mutants
    from .sql import sql_mutants

    makers = {".py": python_mutants, ".sql": sql_mutants}
    return [
        mutant
        for package in packages
        for path in sorted((PACKAGE / package).rglob("*.*"))
        if path.suffix in makers
        for mutant in numbered(
            makers[path.suffix](path.read_text(), file=path.relative_to(PACKAGE).as_posix())
        )
    ]

"""Mutants of Python modules, and where none is looked for."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

from .mutant import Mutant
from .operators import faults

#: What declares types or only says something: no test should pin its words.
SKIPPED_CALLS = {"TypeVar", "ParamSpec", "NewType", "cast", "assert_never", "getLogger", "logger"}
SKIPPED_NODES = (ast.Assert, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal)
SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "bases"}
LONGEST = 90


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a node hangs."""

    parent: ast.AST
    field: str
    index: int | None

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


@dataclass(frozen=True, slots=True)
class _Site:
    place: _Place
    old: ast.AST
    new: ast.AST
    scope: tuple[str, ...]
    at_import: bool


def python_mutants(text: str, *, file: str) -> Iterator[Mutant]:
    lines = text.splitlines()
    for index, site in enumerate(_sites(ast.parse(text))):
        yield Mutant(
            file=file,
            index=index,
            scope=".".join(site.scope),
            text=_short(lines[site.old.lineno - 1].strip()),
            change=_change(site),
            source=text,
            line=site.old.lineno,
            last_line=_last_line(site.old),
            at_import=site.at_import,
        )


def mutated_code(text: str, *, index: int, filename: str) -> CodeType:
    """Compile the module with its fault number `index`; every line keeps its number."""
    tree = ast.parse(text)
    site = list(_sites(tree))[index]
    ast.copy_location(site.new, site.old)
    site.place.put(site.new)
    return compile(ast.fix_missing_locations(tree), filename, "exec", dont_inherit=True)


def _sites(
    node: ast.AST, *, scope: tuple[str, ...] = (), at_import: bool = True
) -> Iterator[_Site]:
    for place, child in _children(node):
        inside, later = scope, at_import
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inside = (*scope, child.name)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and place.field == "body":
            later = False
        if isinstance(node, ast.Lambda) and place.field == "body":
            later = False
        if not isinstance(child, ast.expr_context | ast.operator | ast.cmpop | ast.arguments):
            for fault in faults(child):
                yield _Site(place, child, fault, inside, later)
        if not isinstance(child, ast.Raise):  # its words are for people
            yield from _sites(child, scope=inside, at_import=later)


def _children(node: ast.AST) -> Iterator[tuple[_Place, ast.AST]]:
    for field, value in ast.iter_fields(node):
        if field in SKIPPED_FIELDS or (field == "keywords" and isinstance(node, ast.ClassDef)):
            continue
        if isinstance(value, ast.AST):
            if not _is_skipped(value):
                yield _Place(node, field, None), value
        elif isinstance(value, list):
            for index, child in enumerate(value):
                words = isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)
                if isinstance(child, ast.AST) and not words and not _is_skipped(child):
                    yield _Place(node, field, index), child


def _is_skipped(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()):  # a docstring
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.Expr(value=ast.Call(func=called)) | ast.Call(func=called):
            return _called_name(called) in SKIPPED_CALLS
    return isinstance(node, SKIPPED_NODES)


def _called_name(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute) and not (
        isinstance(node.value, ast.Name) and node.value.id == "logger"
    ):
        return node.attr
    if isinstance(node, ast.Attribute):
        return "logger"
    return node.id if isinstance(node, ast.Name) else ""


def _last_line(node: ast.AST) -> int:
    """A compound statement is reached when its head is."""
    if isinstance(node, ast.If | ast.While | ast.Try | ast.Match):
        return node.lineno
    return node.end_lineno or node.lineno


def _change(site: _Site) -> str:
    old, new = _head(site.old), _head(site.new)
    if isinstance(site.old, ast.Try | ast.Match):
        new = _dropped(site)
    return f"{_short(old)} → {_short(new)}"


def _dropped(site: _Site) -> str:
    """What a shorter match or except does without."""
    kept = set(ast.unparse(site.new).splitlines())
    return "; ".join(
        line.strip() for line in ast.unparse(site.old).splitlines() if line not in kept
    )


def _head(node: ast.AST) -> str:
    return ast.unparse(node).splitlines()[0]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"

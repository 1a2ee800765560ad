"""What one Python source file is made of: plain Python, from bytes to facts."""

import ast
import io
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

# A file with a doubtful escape such as "\d" is worth counting, not a warning of this site's own.
# The origin given to ast.parse() is what the filter looks at.
_ORIGIN = "census of "
warnings.filterwarnings("ignore", module=_ORIGIN)

Function = ast.FunctionDef | ast.AsyncFunctionDef

_BRANCHES = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.comprehension,
    ast.match_case,
)
_BLOCKS = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.With,
    ast.AsyncWith,
    ast.Try,
    ast.TryStar,
    ast.Match,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """What was counted in one file.

    A docstring is code. `documentable` are the module, its classes and its functions; `imports` the
    top-level names that are imported absolutely, sorted. Complexity is McCabe's, of one function;
    nesting counts blocks inside one function or module.
    """

    lines: int
    code_lines: int
    comment_lines: int
    blank_lines: int
    functions: int  #: async ones among them
    async_functions: int
    classes: int
    documentable: int
    documented: int
    imports: tuple[str, ...]
    deepest_nesting: int
    highest_complexity: int
    longest_function: str
    longest_function_lines: int


def analyse_source(source: bytes, *, name: str) -> SourceFacts:
    """Count what is in a source file; `name` is for error messages.

    SyntaxError if Python cannot read it, for its encoding declaration too; UnicodeDecodeError if
    its bytes are not what the declaration says.
    """
    text = _decoded(source)
    tree = ast.parse(text, filename=f"{_ORIGIN}/{name}")
    tally = _Tally()
    tally.count(tree)
    lines = list(io.StringIO(text, newline=None))
    blank, comment = _blank_and_comment_lines(lines, inside_text=tally.lines_inside_text)
    return SourceFacts(
        lines=len(lines),
        code_lines=len(lines) - blank - comment,
        comment_lines=comment,
        blank_lines=blank,
        functions=tally.functions,
        async_functions=tally.async_functions,
        classes=tally.classes,
        documentable=tally.documentable,
        documented=tally.documented,
        imports=tuple(sorted(tally.imports)),
        deepest_nesting=tally.deepest_nesting,
        highest_complexity=max(tally.complexities, default=0),
        longest_function=tally.longest_function,
        longest_function_lines=tally.longest_function_lines,
    )


def _decoded(source: bytes) -> str:
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    return source.decode(encoding)


def _blank_and_comment_lines(lines: list[str], *, inside_text: set[int]) -> tuple[int, int]:
    """Cheaper than the tokenizer, which took as long as the parser; wrong only for a comment
    between the parts of one concatenated text.
    """
    blank = comment = 0
    for number, line in enumerate(lines, start=1):
        if number in inside_text:
            continue
        stripped = line.strip()
        blank += not stripped
        comment += stripped.startswith("#")
    return blank, comment


@dataclass(slots=True)
class _Tally:
    """The counts so far of one walk over a tree."""

    functions: int = 0
    async_functions: int = 0
    classes: int = 0
    documentable: int = 0
    documented: int = 0
    deepest_nesting: int = 0
    longest_function: str = ""
    longest_function_lines: int = 0
    imports: set[str] = field(default_factory=set)
    lines_inside_text: set[int] = field(default_factory=set)
    complexities: list[int] = field(default_factory=list)  #: of each function, in order of meeting

    def count(self, tree: ast.Module) -> None:
        """Walk without recursion: trees are deeper than Python's stack allows."""
        self._note_docstring(tree)
        nowhere = -1
        todo: list[tuple[ast.AST, int, int]] = [(tree, 0, nowhere)]
        while todo:
            node, depth, function = todo.pop()
            for child, is_elif in _children(node):
                inside, below = function, depth
                if isinstance(child, Function):
                    inside, below = self._open_function(child), 0
                elif isinstance(child, _BLOCKS) and not is_elif:
                    below = depth + 1
                    self.deepest_nesting = max(self.deepest_nesting, below)
                self._note(child, function=inside)
                todo.append((child, below, inside))

    def _open_function(self, node: Function) -> int:
        """Return where the complexity of this function is counted."""
        self.functions += 1
        self.async_functions += isinstance(node, ast.AsyncFunctionDef)
        size = (node.end_lineno or node.lineno) - node.lineno + 1
        if size > self.longest_function_lines:
            self.longest_function, self.longest_function_lines = node.name, size
        self.complexities.append(1)
        return len(self.complexities) - 1

    def _note(self, node: ast.AST, *, function: int) -> None:
        if function >= 0:
            self.complexities[function] += _branches(node)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._note_docstring(node)
            case ast.ClassDef():
                self.classes += 1
                self._note_docstring(node)
            case ast.Import(names=names):
                self.imports.update(alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(level=0, module=str(module)):
                self.imports.add(module.partition(".")[0])
            case ast.Constant(value=str() | bytes()) | ast.JoinedStr():
                last = node.end_lineno or node.lineno
                self.lines_inside_text.update(range(node.lineno, last + 1))

    def _note_docstring(self, node: ast.Module | ast.ClassDef | Function) -> None:
        self.documentable += 1
        self.documented += ast.get_docstring(node, clean=False) is not None


def _children(node: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """Yield the children of a node, and whether each is an `elif`: no deeper than its `if`."""
    for child in ast.iter_child_nodes(node):
        is_elif = (
            isinstance(node, ast.If)
            and isinstance(child, ast.If)
            and child.col_offset == node.col_offset
        )
        yield child, is_elif


def _branches(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    return int(isinstance(node, _BRANCHES))

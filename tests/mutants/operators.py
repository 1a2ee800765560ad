"""Which faults a node of Python code may have."""

import ast
import copy
from collections.abc import Iterator

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
SWAPPED_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}


def faults(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand in place of the node."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in SWAPPED:
            yield _with(node, ops=[SWAPPED[type(operator)]()])
        case ast.BinOp(op=operator) if type(operator) in SWAPPED:
            yield _with(node, op=SWAPPED[type(operator)]())
        case ast.BoolOp(values=values):
            for position in range(len(values)):
                rest = _without(values, position)
                yield _with(node, values=rest) if len(rest) > 1 else rest[0]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Constant(value=value):
            yield from _other_values(value)
        case ast.Call():
            yield from _other_calls(node)
        case ast.stmt():
            yield from _other_statements(node)
    if isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(
        node.test, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Constant
    ):
        yield _with(node, test=ast.UnaryOp(op=ast.Not(), operand=node.test))


def _other_values(value: object) -> Iterator[ast.AST]:
    if isinstance(value, bool):
        yield ast.Constant(value=not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value=value + 1)
    elif isinstance(value, str):
        yield ast.Constant(value=f"{value}XX")


def _other_calls(node: ast.Call) -> Iterator[ast.AST]:
    if isinstance(node.func, ast.Name) and node.func.id in SWAPPED_NAMES:
        yield _with(node, func=ast.Name(id=SWAPPED_NAMES[node.func.id], ctx=ast.Load()))
    for position, keyword in enumerate(node.keywords):
        if keyword.arg is not None:
            yield _with(node, keywords=_without(node.keywords, position))


def _other_statements(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.Return(value=value) if not (
            isinstance(value, ast.Constant) and value.value in (None, True, False)
        ):
            yield ast.Pass() if value is None else ast.Return(value=ast.Constant(value=None))
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.Raise() | ast.Delete() | ast.Break():
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.AugAssign(op=operator):
            yield ast.Pass()
            if type(operator) in SWAPPED:
                yield _with(node, op=SWAPPED[type(operator)]())
        case ast.Match(cases=cases):
            for position in range(len(cases) - 1):
                yield _with(node, cases=_without(cases, position))
        case ast.Try(handlers=handlers):
            yield from _narrower(node, handlers)


def _narrower(node: ast.Try, handlers: list[ast.ExceptHandler]) -> Iterator[ast.AST]:
    """Each handler of several errors, with one of them left out."""
    for position, handler in enumerate(handlers):
        if isinstance(handler.type, ast.Tuple):
            for number in range(len(handler.type.elts)):
                errors = _with(handler.type, elts=_without(handler.type.elts, number))
                narrow = _with(handler, type=errors)
                yield _with(
                    node, handlers=[*handlers[:position], narrow, *handlers[position + 1 :]]
                )


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _without(values: list, position: int) -> list:
    return values[:position] + values[position + 1 :]

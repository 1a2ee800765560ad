"""Which faults are made of Python code, and where none is."""

from types import FunctionType

import pytest

from .python import mutated_code, python_mutants


def changes(text: str) -> list[str]:
    return [mutant.change for mutant in python_mutants(text, file="core/a.py")]


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("a = b < c", "b < c → b <= c"),
        ("a = b is c", "b is c → b is not c"),
        ("a = b + c", "b + c → b - c"),
        ("a = b and c", "b and c → c"),
        ("a = b and c", "b and c → b"),
        ("a = not b", "not b → b"),
        ("a = 3", "3 → 4"),
        ("a = True", "True → False"),
        ("a = 'x'", "'x' → 'xXX'"),
        ("a = min(b, c)", "min(b, c) → max(b, c)"),
        ("a = f(b=c)", "f(b=c) → f()"),
        ("if a():\n    b()", "if a(): → if not a():"),
        ("a()", "a() → pass"),
        ("raise a", "raise a → pass"),
        ("a.b = c", "a.b = c → pass"),
        ("a += b", "a += b → a -= b"),
        ("def f():\n    return a", "return a → return None"),
        ("for a in b:\n    continue", "continue → break"),
        ("try:\n    a = b\nexcept (C, D):\n    a = e", "try: → except (C, D):"),
        ("match a:\n    case b.C:\n        d = e\n    case _:\n        d = f", "match a: → case"),
    ],
)
def test_a_fault_is_named_by_what_it_changes(text: str, change: str) -> None:
    assert any(made.startswith(change) for made in changes(text))


@pytest.mark.parametrize(
    "text",
    [
        '"""About 3 things."""',
        "def f(a: 'int') -> 'str':\n    '''Say.'''",
        "assert a < 3",
        "logger.warning('lost', 3)",
        "from a import b",
        "@a(3)\nclass B(C, d=4):\n    '''Hold.'''",
    ],
)
def test_no_fault_is_made_of_what_only_says_or_declares_something(text: str) -> None:
    assert changes(text) == []


def test_the_words_of_an_error_are_left_alone_and_its_raising_is_not() -> None:
    [made] = changes("raise A('3 things', 4)")

    assert made == "raise A('3 things', 4) → pass"


def test_a_mutant_keeps_its_name_when_lines_come_before_it() -> None:
    text = "def f():\n    return 3 < a\n"
    before = {mutant.name for mutant in python_mutants(text, file="core/a.py")}
    after = {mutant.name for mutant in python_mutants(f"b = c\n\n{text}", file="core/a.py")}

    assert before == after
    assert "core/a.py f: return 3 < a | 3 < a → 3 <= a" in before


def test_what_runs_at_import_is_told_from_what_runs_later() -> None:
    text = "a = 3\ndef f(b=4):\n    return 5\nc = lambda: 6\n"
    found = {mutant.change: mutant.at_import for mutant in python_mutants(text, file="core/a.py")}

    assert found == {
        "3 → 4": True,
        "4 → 5": True,
        "return 5 → return None": False,
        "5 → 6": False,
        "6 → 7": False,
    }


def test_a_mutant_is_compiled_with_its_one_fault_and_the_lines_of_the_file() -> None:
    text = "\n\ndef f(a):\n    return a + 1, a + 2\n"
    [index] = [
        mutant.index
        for mutant in python_mutants(text, file="core/a.py")
        if mutant.change == "a + 2 → a - 2"
    ]
    space: dict[str, FunctionType] = {}
    exec(mutated_code(text, index=index, filename="a.py"), space)

    assert space["f"](10) == (11, 8)
    assert space["f"].__code__.co_firstlineno == 3

"""The README's Python blocks run, in their order, as one module of a site."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

README = Path(__file__).parent.parent / "README.md"


def python_blocks() -> list[tuple[int, str]]:
    """Return (line, source) of each block; the line is that of its first line of code."""
    text = README.read_text()
    found = re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, block.start(1)), block[1]) for block in found]


@pytest.mark.django_db(transaction=True)
def test_the_tour_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("shop_jobs")
    # In sys.modules, because annotations are resolved where a handler was declared.
    monkeypatch.setitem(sys.modules, module.__name__, module)
    blocks = python_blocks()
    assert len(blocks) >= 6

    for line, source in blocks:
        # Blank lines in front, so that a traceback names the README's own line.
        exec(compile("\n" * line + source, str(README), "exec"), module.__dict__)

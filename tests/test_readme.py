"""The Python blocks of the README and the guides run, in their order, as one module of a site."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from django_jobqueue import registry

ROOT = Path(__file__).parent.parent


def python_blocks(page: Path) -> list[tuple[int, str]]:
    """Return (line, source) of each block; the line is that of its first line of code."""
    text = page.read_text()
    found = re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, block.start(1)), block[1]) for block in found]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("name", "at_least"), [("README.md", 6), ("docs/schedules.md", 3)])
def test_what_a_page_shows_runs(name: str, at_least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / name
    module = ModuleType("shop_jobs")
    # Only for this test: a worker of another must not fire what is declared here.
    monkeypatch.setattr(registry, "_by_name", dict(registry._by_name))
    # In sys.modules, because annotations are resolved where a handler was declared.
    monkeypatch.setitem(sys.modules, module.__name__, module)
    blocks = python_blocks(page)
    assert len(blocks) >= at_least

    for line, source in blocks:
        # Blank lines in front, so that a traceback names the page's own line.
        exec(compile("\n" * line + source, str(page), "exec"), module.__dict__)

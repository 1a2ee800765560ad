"""The Python blocks of a document run, in their order, as one module of a site."""

import re
import sys
import unittest
from pathlib import Path
from types import ModuleType

import pytest

from django_jobqueue import registry

ROOT = Path(__file__).parent.parent
#: Each document, and how many blocks it has at least.
DOCUMENTS = {
    "README.md": 6,
    "docs/command.md": 1,
    "docs/composition.md": 2,
    "docs/lines.md": 5,
    "docs/memory.md": 2,
    "docs/options.md": 4,
    "docs/permits.md": 2,
    "docs/schedules.md": 3,
    "docs/steering.md": 6,
    "docs/testing.md": 5,
    "docs/types.md": 3,
    "docs/waiting.md": 3,
}


def python_blocks(document: Path) -> list[tuple[int, str]]:
    """Return (line, source) of each block; the line is that of its first line of code."""
    text = document.read_text()
    found = re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, block.start(1)), block[1]) for block in found]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_examples_of_a_document_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType(f"examples_of_{Path(name).stem}")
    # Only for this test: a worker of another must not fire what is declared here.
    monkeypatch.setattr(registry, "_by_name", dict(registry._by_name))
    # In sys.modules, because annotations are resolved where a handler was declared.
    monkeypatch.setitem(sys.modules, module.__name__, module)
    blocks = python_blocks(ROOT / name)
    assert len(blocks) >= DOCUMENTS[name]

    for line, source in blocks:
        # Blank lines in front, so that a traceback names the document's own line.
        exec(compile("\n" * line + source, name, "exec"), module.__dict__)

    told = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromModule(module).run(told)
    assert told.wasSuccessful(), [*told.errors, *told.failures]

import subprocess
import sys
import textwrap

import pytest

from example_project.census.analysis import SourceFacts, analyse_source


def facts_of(source: str) -> SourceFacts:
    return analyse_source(textwrap.dedent(source).encode(), name="example.py")


def test_an_empty_file_has_nothing_but_a_module_without_docstring():
    facts = facts_of("")

    assert (facts.lines, facts.functions, facts.classes) == (0, 0, 0)
    assert (facts.documentable, facts.documented) == (1, 0)


def test_every_line_is_code_comment_or_blank():
    facts = facts_of(
        """\
        # a comment

        x = 1  # code with a comment
            # an indented comment
        """
    )

    assert (facts.lines, facts.code_lines, facts.comment_lines, facts.blank_lines) == (4, 1, 2, 1)


def test_what_looks_like_a_comment_or_a_gap_inside_a_text_is_code():
    facts = facts_of(
        '''\
        TEXT = """
        # not a comment

        """
        '''
    )

    assert (facts.code_lines, facts.comment_lines, facts.blank_lines) == (4, 0, 0)


def test_windows_and_old_mac_line_ends_count_as_lines():
    assert analyse_source(b"x = 1\r\ny = 2\rz = 3\n", name="example.py").lines == 3


def test_a_form_feed_ends_no_line():
    assert analyse_source(b"x = 1\n\x0c\ny = 2\n", name="example.py").lines == 3


def test_methods_nested_and_async_functions_are_counted():
    facts = facts_of(
        """
        class Shop:
            def open(self):
                def inner(): pass
            async def close(self): pass
        """
    )

    assert (facts.functions, facts.async_functions, facts.classes) == (3, 1, 1)


def test_docstrings_of_module_classes_and_functions_are_counted():
    facts = facts_of(
        '''
        """The module."""
        class Documented:
            """This one."""
        def documented():
            """And this."""
        def silent(): pass
        '''
    )

    assert (facts.documentable, facts.documented) == (4, 3)


def test_imports_are_top_level_names_and_relative_ones_are_left_out():
    facts = facts_of(
        """
        import os.path, sys as system
        from collections.abc import Sequence
        from . import sibling
        from .sibling import thing
        """
    )

    assert facts.imports == ("collections", "os", "sys")


def test_an_elif_is_no_deeper_than_its_if():
    flat = facts_of("if a:\n    pass\nelif b:\n    pass\nelif c:\n    pass\n")
    deep = facts_of("if a:\n    pass\nelse:\n    if b:\n        pass\n")

    assert flat.deepest_nesting == 1
    assert deep.deepest_nesting == 2


def test_nesting_starts_anew_inside_a_function():
    facts = facts_of(
        """
        if a:
            def f():
                for x in y:
                    with z:
                        pass
        """
    )

    assert facts.deepest_nesting == 2


@pytest.mark.parametrize(
    ("body", "complexity"),
    [
        ("pass", 1),
        ("return 1 if x else 2", 2),
        ("return a and b and c", 3),
        ("return [x for x in y]", 2),
        ("def inner():\n        return a or b", 2),
    ],
)
def test_complexity_counts_the_branches_of_one_function(body: str, complexity: int):
    assert facts_of(f"def f():\n    {body}\n").highest_complexity == complexity


def test_the_longest_function_is_named_with_its_length():
    facts = facts_of("def short(): pass\n\ndef long():\n    x = 1\n    return x\n")

    assert (facts.longest_function, facts.longest_function_lines) == ("long", 3)


def test_a_declared_encoding_is_believed():
    source = '# -*- coding: latin-1 -*-\nCITY = "Zürich"\n'.encode("latin-1")

    assert analyse_source(source, name="example.py").lines == 2


def test_a_doubtful_escape_is_counted_without_a_warning():
    # In a process of its own: pytest replaces the filters that the module sets when it is imported.
    script = (
        "from example_project.census.analysis import analyse_source\n"
        "print(analyse_source(b'PATTERN = \"\\\\d\"', name='example.py').lines)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True
    )

    assert (done.stdout, done.stderr) == ("1\n", "")


def test_a_syntax_error_names_the_file():
    with pytest.raises(SyntaxError, match=r"example\.py, line 1"):
        facts_of("def f(:\n")


def test_a_tree_deeper_than_the_stack_is_walked():
    source = "x = " + "-" * 2_000 + "1\n"

    assert analyse_source(source.encode(), name="example.py").lines == 1

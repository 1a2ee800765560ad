"""Which faults are made of a statement."""

import pytest

from .mutant import PACKAGE
from .sql import mutated_text, sql_mutants

CLAIM = """\
-- WHERE a = 1, in a comment
UPDATE job AS job
SET state = 'running',
    attempt = job.attempt + 1
WHERE id IN (
    SELECT id FROM job
    WHERE state = 'ready' AND (due <= now OR due IS NULL) AND rank BETWEEN 1 AND 9
    ORDER BY priority DESC, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


def texts(text: str) -> list[str]:
    return [
        " ".join(mutated_text(text, index=mutant.index).split())
        for mutant in sql_mutants(text, file="store/sql/sqlite/a.sql")
    ]


@pytest.mark.parametrize(
    "part",
    [
        "SET attempt = job.attempt + 1 WHERE",
        "SET state = 'running' WHERE",
        "job.attempt - 1",
        "job.attempt + 2",
        "WHERE TRUE RETURNING",
        "WHERE TRUE AND (due <= now",
        "WHERE state <> 'ready'",
        "WHERE state = 'not_ready'",
        "WHERE state = 'ready' OR (due",
        "WHERE state = 'ready' AND rank BETWEEN",
        "due < now",
        "due <= now AND due IS NULL",
        "(due <= now )",
        "due IS NOT NULL",
        "IS NULL) ORDER BY",
        "1 AND 9 LIMIT",
        "ORDER BY priority , id",
        "ORDER BY priority DESC LIMIT",
        "id FOR UPDATE",
        "FOR UPDATE )",
        "%(limit)s )",
    ],
)
def test_a_claim_may_fail_in_this_way(part: str) -> None:
    assert any(part in made for made in texts(CLAIM))


def test_every_mutant_is_another_statement() -> None:
    made = texts(CLAIM)

    assert len(set(made)) == len(made)
    assert " ".join(CLAIM.split()) not in made


def test_a_comment_and_what_is_assigned_are_left_alone() -> None:
    made = " ".join(texts(CLAIM))

    assert "a <> 1" not in made
    assert "state <> 'running'" not in made


def test_a_column_of_a_move_may_be_forgotten() -> None:
    made = texts("INSERT INTO archive (id, error)\nSELECT job.id, job.error FROM job\n")

    assert "INSERT INTO archive (id, error) SELECT job.id, NULL FROM job" in made


def test_the_first_of_several_values_may_be_missed() -> None:
    assert sorted(texts("SELECT COALESCE(a, f(b, c)) AS d")) == [
        "SELECT (a) AS d",
        "SELECT (f(b, c)) AS d",
    ]


def test_whether_there_is_a_row_does_not_ask_for_its_number() -> None:
    made = texts("SELECT EXISTS (SELECT 1 FROM job LIMIT 1)")

    assert "SELECT EXISTS (SELECT 1 FROM job LIMIT 2)" in made
    assert not any("SELECT 2" in text for text in made)


@pytest.mark.parametrize("path", sorted((PACKAGE / "store/sql").rglob("*.sql")), ids=str)
def test_every_statement_has_mutants(path) -> None:
    assert texts(path.read_text())

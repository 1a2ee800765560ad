"""What is counted in a server's log, and replayed from it."""

import pytest

from benchmarks.replay import steps_of
from benchmarks.statements import Statement, statements_in

LOG = """\
2026-11-21 10:00:01.500 UTC [11] LOG:  execute _pg3_0: -- Why so.
\tUPDATE jobqueue_worker
\tSET running = $1 WHERE id = $2 AND host = $3
\t
2026-11-21 10:00:01.500 UTC [11] DETAIL:  Parameters: $1 = '0', $2 = NULL, $3 = 'it''s'
2026-11-21 10:00:02.000 UTC [12] LOG:  statement: BEGIN
2026-11-21 10:00:02.001 UTC [12] LOG:  statement: SELECT 1
2026-11-21 10:00:02.001 UTC [13] LOG:  could not receive data from client
2026-11-21 10:00:02.002 UTC [12] LOG:  statement: COMMIT
"""


def test_statements_are_read_with_their_parameters():
    heartbeat, *_ = statements_in(LOG)

    assert heartbeat.session == 11
    assert heartbeat.parameters == ("0", None, "it's")
    assert heartbeat.beginning == "UPDATE jobqueue_worker SET running = $1 WHERE id = $2 AND ho"


def test_the_begin_and_end_of_a_transaction_are_told_apart():
    assert [one.is_control for one in statements_in(LOG)] == [False, True, False, True]


def test_what_is_no_statement_is_left_out():
    assert [one.text for one in statements_in(LOG)][1:] == ["BEGIN", "SELECT 1", "COMMIT"]


def test_a_log_to_which_nothing_was_written_has_no_statements():
    assert list(statements_in("")) == []


@pytest.fixture
def of_two_sessions() -> list[Statement]:
    return [
        Statement(at=at, session=session, text=text)
        for at, session, text in (
            (10.0, 1, "BEGIN"),
            (10.5, 2, "SELECT 2"),
            (11.0, 1, "SELECT 1"),
            (11.5, 1, "COMMIT"),
            (12.0, 1, "SELECT 3"),
        )
    ]


def test_transactions_of_different_sessions_come_one_after_another(of_two_sessions):
    steps = steps_of(of_two_sessions, since=10.0)

    assert [(step.after, [text for text, _ in step.statements]) for step in steps] == [
        (0.0, ["BEGIN", "SELECT 1", "COMMIT"]),
        (0.5, ["SELECT 2"]),
        (2.0, ["SELECT 3"]),
    ]

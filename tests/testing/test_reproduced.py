"""What is reproduced, with each way to stop the time."""

from django.test import TestCase, TransactionTestCase

from .clocks import Freezegun, OwnClock, TimeMachine
from .reproduced import Composing, Limiting, Retrying, Waiting
from .timing_out import TimingOut


class TestWithFreezegun(Freezegun, Waiting, Retrying, Limiting, Composing, TimingOut, TestCase): ...


class TestWithTimeMachine(
    TimeMachine, Waiting, Retrying, Limiting, Composing, TimingOut, TestCase
): ...


class TestWithTheClockOfTheQueue(
    OwnClock, Waiting, Retrying, Limiting, Composing, TimingOut, TestCase
): ...


class TestWhereStatementsCommit(Freezegun, Waiting, TransactionTestCase): ...

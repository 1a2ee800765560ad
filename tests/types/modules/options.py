# pyright: strict
"""What the site of a typed user says with options."""

from dataclasses import dataclass
from datetime import timedelta

from django_jobqueue import Cron, Exponential, JobClass, Queue, QueueHandler, Template, job


@job(queue="mail", max_attempts=5, backoff=Exponential(initial=5), timeout=timedelta(seconds=30))
def send(user_id: int) -> None: ...


@job(name="greet", tags=("a",), retry_on=[OSError], isolation="process", rate="5/m")
@dataclass
class Greet(JobClass):
    name: str

    def run(self) -> None: ...


@job(quue="mail")  # error: call-overload reportCallIssue
def of_a_misspelt_option(user_id: int) -> None: ...


@job(timeout="30")  # error: call-overload reportArgumentType
def of_an_option_of_a_wrong_type(user_id: int) -> None: ...


@job(isolation="thread")  # error: call-overload reportArgumentType
def of_an_option_that_knows_few_values(user_id: int) -> None: ...


class Mail(QueueHandler, quue="mail"):  # error: call-arg reportCallIssue
    queue = "mail"

    def process(self, context: object, payload: object) -> None: ...


def correct_options() -> None:
    send.using(delay=60, priority=5, unique_by=["user_id"], on_conflict="replace").enqueue(1)
    send.using(every=timedelta(hours=1), schedule="hourly", missed="once").enqueue(1)
    send.using(cron=Cron(minute=5)).enqueue(1)
    Greet.using(queue="slow").enqueue("ada")
    Greet("ada").using(queue="slow").enqueue()
    Queue("mail").using(priority=3).enqueue({"to": "ada"})
    Template("report").repeat(cron="0 7 * * *", schedule="reports")


def misspelt_options() -> None:
    send.using(dely=60)  # error: call-overload reportCallIssue
    send.using(delay=60).using(prio=1)  # error: call-overload reportCallIssue
    send.using(every=60, overlp="skip")  # error: call-overload reportCallIssue
    send.using(every=60).using(overlp="skip")  # error: call-arg reportCallIssue
    Greet.using(dely=60)  # error: call-overload reportCallIssue
    Greet("ada").using(dely=60)  # error: call-overload reportCallIssue
    Greet("ada").using(delay=60).using(prio=1)  # error: call-overload reportCallIssue
    Template("report").using(dely=60)  # error: call-arg reportCallIssue


def options_of_a_wrong_type() -> None:
    send.using(priority="high")  # error: call-overload reportArgumentType
    send.using(on_conflict="skipp")  # error: call-overload reportArgumentType
    Greet.using(priority="high")  # error: call-overload reportArgumentType
    Greet("ada").using(priority="high")  # error: call-overload reportArgumentType


def options_that_need_another() -> None:
    send.using(timezone="UTC")  # error: call-overload reportCallIssue
    send.using(every=60, timezone="UTC")  # error: call-overload reportCallIssue
    send.using(schedule="nightly")  # error: call-overload reportCallIssue

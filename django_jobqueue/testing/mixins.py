"""The helpers as methods, for those who keep everything in their TestCase."""

from typing import ClassVar, Literal

from .assertions import assert_enqueued, enqueued_jobs, refute_enqueued
from .modes import inline_jobs
from .running import arun_jobs, run_jobs
from .runs import JobRuns


class JobsMixin:
    """Beside any of Django's test cases: `class InvoiceTests(JobsMixin, TestCase)`.

    With `jobs_mode = "inline"`, each test runs within `inline_jobs()`, whose runs are in
    `self.job_runs`; else jobs wait for `self.run_jobs()`.
    """

    jobs_mode: ClassVar[Literal["manual", "inline"]] = "manual"
    job_runs: JobRuns

    run_jobs = staticmethod(run_jobs)
    arun_jobs = staticmethod(arun_jobs)
    assert_enqueued = staticmethod(assert_enqueued)
    refute_enqueued = staticmethod(refute_enqueued)
    enqueued_jobs = staticmethod(enqueued_jobs)

    def setUp(self) -> None:
        super().setUp()  # type: ignore[misc]
        if self.jobs_mode == "inline":
            self.job_runs = self.enterContext(inline_jobs())  # type: ignore[attr-defined]

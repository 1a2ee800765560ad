import asyncio
from typing import Any

import pytest

from django_jobqueue.core.backoff import Constant, Exponential, NoRetry
from django_jobqueue.core.errors import (
    InvalidArguments,
    InvalidHandler,
    InvalidOptions,
    PayloadError,
)
from django_jobqueue.core.retry import RetryPolicy
from django_jobqueue.jobs.handlers import Handler, handler_of, name_of
from tests.handlers import Divide, add

from . import functions


class TestWhatCanBeAJob:
    def test_a_handler_is_named_for_where_it_is_defined(self):
        assert Handler.of(functions.pair).name == "tests.jobs.functions.pair"

    def test_a_name_of_its_own_survives_every_rename(self):
        assert Handler.of(functions.pair, name="74f3a15b").name == "74f3a15b"

    @pytest.mark.parametrize(
        ("declared", "why"),
        [
            (functions.make_local(), "defined inside a function"),
            (functions.make_local_class(), "defined inside a function"),
            (functions.a_lambda, "defined inside a function"),
            (functions.Plain.method, "it is a method"),
            (functions.Plain().method, "neither a function nor a class"),
            (len, "neither a function nor a class"),
            ("tests.jobs.functions.pair", "neither a function nor a class"),
            (functions.Plain, "the class is no dataclass"),
            (functions.WithoutRun, "has no run() method"),
            (functions.RunTakesMore, "the fields are the arguments"),
            (functions.generator, "it is a generator"),
            (functions.async_generator, "it is a generator"),
            (functions.lacks_a_json_form, "'callback'"),
            (add, "neither a function nor a class"),
        ],
    )
    def test_what_a_worker_could_not_call_is_refused_with_the_reason(
        self, declared: object, why: str
    ):
        with pytest.raises(InvalidHandler) as refused:
            Handler.of(declared)

        assert why in str(refused.value)


class TestCalling:
    def test_a_function_is_called_with_the_stored_arguments(self):
        handler = Handler.of(functions.pair)
        args, kwargs = handler.arguments_of('{"args":[],"kwargs":{"a":1,"b":2}}')

        assert handler.function(*args, **kwargs) == 3
        assert not handler.is_async

    def test_a_class_is_made_from_the_stored_arguments_and_run(self):
        handler = Handler.of(functions.Quotient)
        args, kwargs = handler.arguments_of('{"args":[],"kwargs":{"a":6,"b":3}}')

        assert handler.function(*args, **kwargs) == 2

    def test_a_struct_is_made_from_the_stored_arguments_and_run(self):
        handler = Handler.of(functions.Parcel)
        args, kwargs = handler.arguments_of('{"args":[],"kwargs":{"order":7}}')

        assert handler.function(*args, **kwargs) == 7

    def test_async_functions_and_run_methods_give_a_coroutine(self):
        function = Handler.of(functions.pair_async)
        class_ = Handler.of(functions.AsyncQuotient)

        assert function.is_async
        assert class_.is_async
        assert asyncio.run(function.function(a=1, b=2)) == 3

    def test_the_context_goes_to_run_not_to_a_field(self):
        class Context:
            attempt = 2

        handler = Handler.of(functions.AsyncQuotient)

        assert handler.context_parameter == "context"
        assert asyncio.run(handler.function(a=6, context=Context())) == 3

    @pytest.mark.parametrize("declared", [functions.with_context, functions.with_keyword_context])
    def test_the_parameter_that_takes_the_context_is_no_argument(self, declared: object):
        handler = Handler.of(declared)

        assert handler.context_parameter == "context"
        assert handler.arguments.parameters == ("a",)

    def test_a_payload_that_does_not_fit_the_signature_is_told_as_such(self):
        with pytest.raises(InvalidArguments):
            Handler.of(functions.pair).arguments_of('{"args":[],"kwargs":{"z":1}}')

    def test_a_payload_that_is_none_is_told_as_such(self):
        with pytest.raises(PayloadError):
            Handler.of(functions.pair).arguments_of('{"a":1}')


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "told"),
        [
            ({"nam": "x"}, "Did you mean 'name'?"),
            ({"run_at": None}, "'run_at' does not exist"),
            ({"name": ""}, "'name' must be a text that is not empty"),
            ({"name": "n" * 256}, "at most 255 characters"),
            ({"aliases": "old"}, "'aliases' must be a list of texts"),
            ({"queue": ""}, "'queue' must be a text"),
            ({"max_attempts": 0}, "'max_attempts' must be a whole number from 1"),
            ({"max_rescues": -1}, "'max_rescues' must be a whole number from 0"),
            ({"max_reprocess_count": 0}, "'max_reprocess_count' must be a whole number from 1"),
            ({"retry_on": "ValueError"}, "'retry_on'"),
            ({"discard_on": [int]}, "'discard_on'"),
            ({"keep": 1}, "'keep' must be True or False"),
            ({"isolation": "thread"}, "'isolation' must be 'process' or None, not 'thread'"),
            ({"isolation": True}, "'isolation' must be 'process' or None"),
            ({"isolation": "process", "transactional": True}, "does not go with isolation"),
            ({"keep": False, "unique": True, "unique_for": 60}, "keep=False"),
            ({"unique_by": ["c"]}, "names 'c', which is no parameter"),
            ({"unique_for": 60}, "there is none"),
        ],
    )
    def test_wrong_options_are_refused_at_declaration(self, options: dict[str, Any], told: str):
        with pytest.raises(InvalidOptions) as refused:
            Handler.of(functions.pair, **options)

        assert told in str(refused.value)

    def test_a_key_by_an_argument_fits_a_handler_that_takes_any(self):
        handler = Handler.of(functions.anything, unique_by=["whatever"])

        assert handler.options.unique_by == ("whatever",)


class TestPolicy:
    SITE = RetryPolicy(max_attempts=9, backoff=Constant(3), max_rescues=2, max_reprocess_count=50)

    def test_a_handler_that_says_nothing_has_the_policy_of_the_site(self):
        assert Handler.of(functions.pair).policy(self.SITE) == self.SITE

    def test_what_a_handler_says_takes_the_place_of_the_sites(self):
        handler = Handler.of(
            functions.pair,
            max_retries=1,
            backoff=Exponential(initial=1),
            retry_on=OSError,
            discard_on=[ValueError, KeyError],
            max_rescues=0,
            max_reprocess_count=7,
        )

        assert handler.policy(self.SITE) == RetryPolicy(
            max_attempts=2,
            backoff=Exponential(initial=1),
            retry_on=(OSError,),
            discard_on=(ValueError, KeyError),
            max_rescues=0,
            max_reprocess_count=7,
        )

    def test_none_lifts_the_bound_on_reprocessing_for_jobs_that_poll(self):
        handler = Handler.of(functions.pair, max_reprocess_count=None)

        assert handler.policy(self.SITE).max_reprocess_count is None

    def test_a_backoff_without_retries_allows_one_attempt(self):
        handler = Handler.of(functions.pair, backoff=NoRetry())

        assert handler.policy(self.SITE).attempts_allowed == 1


class TestNaming:
    def test_a_handler_is_named_by_text_by_itself_or_by_what_job_returned(self):
        assert name_of("anything") == "anything"
        assert name_of(add) == name_of(add.handler) == "tests.handlers.add"
        assert name_of(Divide) == name_of(Divide(1)) == "tests.handlers.Divide"

    @pytest.mark.parametrize("other", [functions.pair, functions.Quotient, 7, None])
    def test_anything_else_is_no_job(self, other: object):
        with pytest.raises(TypeError, match="is no job"):
            handler_of(other)

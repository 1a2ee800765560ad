from django_jobqueue.service.threads import caught, first_caught, service_thread


def test_a_thread_of_a_service_has_its_name_and_keeps_no_process_from_ending():
    thread = service_thread("pump", lambda: None)

    assert (thread.name, thread.daemon) == ("jobqueue-pump", True)


def test_what_is_raised_in_a_call_is_returned_even_where_it_is_no_exception():
    end, error = SystemExit(3), ValueError("bad")

    assert caught(lambda: None) is None
    assert caught(_raising(end)) is end
    assert first_caught(lambda: None, _raising(error), _raising(end)) is error


def _raising(error):
    def call():
        raise error

    return call

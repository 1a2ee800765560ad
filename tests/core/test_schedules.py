from django_jobqueue.core.schedules import Source


def test_what_code_and_settings_say_is_a_declaration():
    assert [source for source in Source if source.is_declaration] == [Source.CODE, Source.SETTINGS]

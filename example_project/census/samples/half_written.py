"""The download was cut off in the middle of a text."""


def usage() -> str:
    return """usage: half_written [options] FILE

    --output FILE   where the res
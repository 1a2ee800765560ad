"""Values that nobody should store, and how to draw them at random."""

from hypothesis import strategies as st

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.text(st.characters())
)
json_values = st.recursive(
    scalars | st.integers(-(10**60), 10**60),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)
anything = st.recursive(
    scalars | st.binary() | st.sets(st.integers()) | st.datetimes() | st.complex_numbers(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.none() | st.booleans(), inner)
    ),
    max_leaves=30,
)

CYCLE: dict[str, object] = {}
CYCLE["self"] = CYCLE


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


class Mute(Exception):
    """Refuses to be printed in any way."""

    def __str__(self):
        raise SystemExit("no")

    def __repr__(self):
        raise KeyboardInterrupt("no")


def assert_storable(text, limit):
    assert "\x00" not in text
    assert len(text.encode()) <= limit

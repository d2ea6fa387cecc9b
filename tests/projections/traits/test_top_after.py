"""The top found from what an event touched is the top found from all values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from projections.traits.windows import Sums, add_weight, decay, top_after, top_of

HALF_LIFE_MS = 3_600_000
# Close to one another within and around a tie, and far apart.
WEIGHTS = st.sampled_from([0.0, 1.0, 1.0 + 5e-10, 1.0 + 2e-9, 1.0 + 4e-9, 2.0, 1e-9, 1e6, -1.0, -2.0])
EVENTS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, HALF_LIFE_MS, 3 * HALF_LIFE_MS, 2_000 * HALF_LIFE_MS]),
        st.lists(st.tuples(st.sampled_from("abcd"), WEIGHTS), min_size=1, max_size=3),
    ),
    max_size=8,
)


@given(EVENTS)
def test_what_was_touched_is_enough(events: list[tuple[int, list[tuple[str, float]]]]) -> None:
    sums: Sums = {}
    top: str | None = None
    o = 0
    for gap_ms, contributions in events:
        o += gap_ms
        before = sums.get(top) if top is not None else None
        touched = []
        factor, exponent = decay(o, HALF_LIFE_MS)
        for value, weight in contributions:
            add_weight(sums, value, weight * factor, exponent)
            touched.append(value)
            if weight < 0.0:
                before = None
        top = top_after(sums, top, before, touched)
        assert top == top_of(sums)

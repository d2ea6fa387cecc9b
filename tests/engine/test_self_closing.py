from __future__ import annotations

import pytest

from engine.self_closing import closed_on_failure


def test_what_is_made_whole_stays_open() -> None:
    closed: list[str] = []
    with closed_on_failure(lambda: closed.append("it")):
        pass
    assert closed == []


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_whatever_fails_it_is_closed_and_the_failure_goes_on(kind: type[BaseException]) -> None:
    closed: list[str] = []
    failure = kind("half-way")
    with pytest.raises(kind) as caught, closed_on_failure(lambda: closed.append("it")):
        raise failure
    assert closed == ["it"]
    assert caught.value is failure

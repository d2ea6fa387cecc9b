from __future__ import annotations

import pickle

import pytest

from events.errors import (
    CalledWrongly,
    FactsDamaged,
    InputRefused,
    NumberOutOfRange,
    Problem,
    Reason,
    RenderFailed,
    RulebookInvalid,
    StrandError,
)


@pytest.mark.parametrize(
    "error",
    [
        CalledWrongly("no such day"),
        FactsDamaged("partition 1 is damaged", "restore it"),
        InputRefused(Reason.SCHEMA, "total must be there"),
        NumberOutOfRange(10**20),
        RulebookInvalid([Problem("shop.yaml", 1, 2, "no trait is called 'ordrs'")]),
        RenderFailed("event has no 'currency'", template="thanks/email.txt", line=3),
    ],
)
def test_every_error_goes_whole_from_one_process_to_another(error: StrandError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)

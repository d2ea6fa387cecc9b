"""After a changed rulebook, a deleted world and a rebuild, what was decided stays, byte for byte."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.replay.rebuild import rebuild
from engine.replay.verify import verify
from engine.runtimes.embedded.applying import apply_rulebook
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.workspace.workspace import Workspace
from tests.engine.replay.grocers import LIVE_FROM, beyond, bring, hashes, history, make, run, streams

pytestmark = pytest.mark.slow

CHANGES = {
    "traits.yaml": [
        ("orders_28d:         {count: order_completed, within: 28d}", "orders_28d: {count: order_completed}"),
        ("spend_90d:          {sum: order_completed.total, within: 90d}", "spend_90d: {sum: order_completed.total}"),
        ("half_life: 60d", "half_life: 30d"),
    ],
    "segments.yaml": [
        ("settled_in:           {when: orders >= 10}", "settled_in: {when: orders >= 12}"),
        ("silver_club:          {when: spend >= 1000}", "silver_club: {when: spend >= 800}"),
        ("gold_club:            {when: spend >= 2500}", "gold_club: {when: spend >= 2000}"),
        ("max(21, 3 * gap_days)", "max(14, 2 * gap_days)"),
        ("coupon_user:          {when: coupons_used >= 1}", "coupon_user: {when: coupons_used >= 2}"),
    ],
    "triggers.yaml": [("priority: 50", "priority: 5\n    expires_after: 9d"), ("    expires_after: 5d\n", "")],
}  # fmt: skip


def change(folder: Path) -> None:
    """Three traits, five segments, a template and a trigger."""
    for name, replacements in CHANGES.items():
        path = folder / "rulebook" / name
        text = path.read_text(encoding="utf-8")
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    subject = folder / "rulebook/templates/welcome/email.subject"
    subject.write_text("Hello, and welcome\n", encoding="utf-8")


def quiet(like: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """Events at the log's last instant that no rule cares for."""
    last = like[-1]
    customers = [event["customer_id"] for event in like[-200:]]
    viewed = {**last, "type": "page_viewed", "data": {"url": "/"}}
    return [{**viewed, "id": f"quiet-{n}", "customer_id": customers[n % len(customers)]} for n in range(number)]


def refold(folder: Path) -> None:
    """Delete what is derived and make it again from the facts."""
    shutil.rmtree(folder / "derived")
    with Workspace.open(folder, owner=True) as workspace:
        assert rebuild(workspace, jobs=1).swapped


def check(tmp_path: Path, found: list[dict[str, Any]], *, silence: int) -> None:
    first, rest = found[:-1000], found[-1000:]
    shop = make(tmp_path / "shop")
    bring(shop, [*first, *quiet(first, silence)], live_from=LIVE_FROM)
    report = run(shop)
    assert report.messages > 0
    before = streams(shop)

    change(shop)
    activation = apply_rulebook(shop, load_rulebook(shop / "rulebook"))
    run(shop)
    decided = beyond(streams(shop), before)
    for output in decided:
        for decision in output.decisions:
            assert decision.kind != "send"
            assert decision.cause == f"activation:{activation.at_ms}" or decision.kind == "cancel"
    applied = streams(shop)
    never_rebuilt = tmp_path / "never rebuilt"
    shutil.copytree(shop, never_rebuilt)

    refold(shop)
    assert streams(shop) == applied
    assert hashes(run(shop)) == hashes(run(never_rebuilt))
    assert beyond(streams(shop), applied) == []

    for workspace in (shop, never_rebuilt):
        bring(workspace, rest)
    assert hashes(run(shop)) == hashes(run(never_rebuilt))
    assert [output.decisions for output in beyond(streams(shop), applied)] == [
        output.decisions for output in beyond(streams(never_rebuilt), applied)
    ]
    verified = verify(shop, 2, 1, redecide=True)
    assert (verified.different, verified.decided_differently) == (0, 0)


@pytest.mark.parametrize("silence", [0, 5_000])
def test_on_some_households(tmp_path: Path, silence: int) -> None:
    check(tmp_path, history(40), silence=silence)


@pytest.mark.soak
def test_on_all_households(tmp_path: Path) -> None:
    check(tmp_path, history(None), silence=5_000)

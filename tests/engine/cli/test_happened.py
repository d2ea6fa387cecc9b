from __future__ import annotations

import csv
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from engine.cli.happened import DECISIONS, LETTERS, MESSAGES, TRANSITIONS
from tests.engine.cli.shell import strand

COLUMNS = {"transitions": TRANSITIONS, "decisions": DECISIONS, "messages": MESSAGES}


def rows(command: str, workspace: Path, *more: object) -> list[dict[str, Any]]:
    answer = strand(command, "--json", "-w", workspace, *more)
    assert answer.code == 0, answer.err
    return answer.json_lines()


@pytest.mark.parametrize("command", COLUMNS)
def test_json_has_an_object_a_line_in_order_of_time(command: str, petshop_after_its_run: Path) -> None:
    found = rows(command, petshop_after_its_run)
    assert found
    assert all(tuple(row) == COLUMNS[command] for row in found)
    times = [row["at_ms"] for row in found]
    assert times == sorted(times)


def test_a_trigger_that_is_not_of_the_active_rulebook_is_said_to_be_none(petshop_after_its_run: Path) -> None:
    for command in ("decisions", "messages"):
        answer = strand(command, "--trigger", "order_thank", "-w", petshop_after_its_run)
        assert (answer.code, len(answer.out.splitlines())) == (0, 1)
        assert "the active rulebook has no trigger 'order_thank'; did you mean 'order_thanks'?" in answer.err
        assert "no trigger" not in strand(command, "--trigger", "order_thanks", "-w", petshop_after_its_run).err


def test_a_channel_that_no_trigger_sends_by_is_said_to_be_none(petshop_after_its_run: Path) -> None:
    answer = strand("messages", "--channel", "emial", "-w", petshop_after_its_run)
    assert (answer.code, len(answer.out.splitlines())) == (0, 1)
    assert "the active rulebook has no channel 'emial'; did you mean 'email'?" in answer.err
    assert "no channel" not in strand("messages", "--channel", "email", "-w", petshop_after_its_run).err


@pytest.mark.parametrize("command", COLUMNS)
def test_a_customer_whom_nobody_knows_is_said_to_be_none(command: str, petshop_after_its_run: Path) -> None:
    answer = strand(command, "--customer", "Anna", "-w", petshop_after_its_run)
    assert (answer.code, len(answer.out.splitlines())) == (0, 1)
    told = strand("customer", "Anna", "-w", petshop_after_its_run)
    assert told.code == 2
    assert told.err.strip() == "no customer 'Anna' is known; ids are taken as they are, capitals too"
    assert told.err in answer.err
    assert "is known" not in strand(command, "--customer", "anna", "-w", petshop_after_its_run).err


def test_transitions_say_what_where_and_why(petshop_after_its_run: Path) -> None:
    found = rows("transitions", petshop_after_its_run, "--customer", "anna")
    entered = next(row for row in found if row["name"] == "cat_home")
    assert (entered["of"], entered["from"], entered["to"]) == ("segment", "out", "in")
    assert entered["cause"] == "event:anna-05"
    assert entered["evidence"] == {"bought": [[], ["cat_furniture"]]}
    first = next(row for row in found if row["of"] == "dimension")
    assert first["from"] is None


def test_decisions_and_messages_agree(petshop_after_its_run: Path) -> None:
    sends = rows("decisions", petshop_after_its_run, "--decision", "send")
    messages = rows("messages", petshop_after_its_run)
    assert [row["message_id"] for row in sends] == [row["id"] for row in messages]
    for send, message in zip(sends, messages, strict=True):
        assert (send["customer"], send["trigger"], send["channel"], send["at_ms"], send["cause"]) == tuple(
            message[name] for name in ("customer", "trigger", "channel", "at_ms", "cause")
        )
        assert (message["subject"] is not None) == (message["channel"] == "email")


def test_every_suppression_has_a_reason(petshop_after_its_run: Path) -> None:
    suppressed = rows("decisions", petshop_after_its_run, "--decision", "suppress")
    assert {row["reason"] for row in suppressed} >= {"cap", "consent", "once", "condition", "holdout", "expired"}


def test_instants_in_evidence_are_written_out(petshop_after_its_run: Path) -> None:
    row = rows("decisions", petshop_after_its_run, "--trigger", "we_miss_you", "--decision", "send")[0]
    assert row["evidence"]["traits"]["last_order_at"] == "2025-02-20T11:15:00Z"


def test_filters_are_all_asked(petshop_after_its_run: Path) -> None:
    everything = rows("decisions", petshop_after_its_run)
    asked = ("--customer", "marta", "--trigger", "ticket_feedback", "--since", "2025-03-01", "--until", "2025-04-01")
    chosen = rows("decisions", petshop_after_its_run, *asked)
    assert chosen == [
        row
        for row in everything
        if row["customer"] == "marta"
        and row["trigger"] == "ticket_feedback"
        and 1740780000000 <= row["at_ms"] < 1743454800000  # local midnights in Riga, before and in summer time
    ]
    assert len(chosen) == 4


def test_limit_takes_the_newest(petshop_after_its_run: Path) -> None:
    everything = rows("messages", petshop_after_its_run)
    assert rows("messages", petshop_after_its_run, "--limit", 3) == everything[-3:]
    assert rows("messages", petshop_after_its_run, "--limit", 0) == everything


@pytest.mark.parametrize(
    ("command", "option", "value", "hint"),
    [
        ("decisions", "--reason", "capp", "did you mean 'cap'?"),
        ("decisions", "--decision", "sent", "did you mean 'send'?"),
        ("transitions", "--segment", "cat_hom", "did you mean 'cat_home'?"),
        ("segments", "--name", "cat_hom", "did you mean 'cat_home'?"),
        ("messages", "--since", "yesterday", "a time must be a date"),
        ("dead-letters", "--door", "window", "there are publish, import, fold"),
        ("segments", "--of", "dimensions", "did you mean 'dimension'?"),
    ],
)
def test_a_word_that_is_none_is_a_wrong_call(
    command: str, option: str, value: str, hint: str, petshop_after_its_run: Path
) -> None:
    answer = strand(command, option, value, "-w", petshop_after_its_run)
    assert (answer.code, answer.out) == (2, "")
    assert hint in answer.err


def test_a_value_that_a_membership_cannot_take_is_a_wrong_call(petshop_after_its_run: Path) -> None:
    answer = strand("transitions", "--segment", "cat_home", "--to", "inn", "-w", petshop_after_its_run)
    assert (answer.code, answer.out) == (2, "")
    assert "no value is called 'inn'; did you mean 'in'?" in answer.err
    # A dimension of a trait's values may take any, so nothing is wrong where no segment is named.
    assert strand("transitions", "--to", "inn", "-w", petshop_after_its_run).code == 0


def test_people_read_words_and_local_times(petshop_after_its_run: Path) -> None:
    lines = strand("transitions", "--customer", "anna", "--segment", "cat_home", "-w", petshop_after_its_run).out
    assert "2025-03-04 09:12\tanna\tenters cat_home\tbought nothing → cat_furniture\tanna-05" in lines.splitlines()


@pytest.mark.parametrize("command", COLUMNS)
def test_exports_hold_what_json_says(command: str, petshop_after_its_run: Path, tmp_path: Path) -> None:
    found = rows(command, petshop_after_its_run)
    for ending in ("jsonl", "csv", "parquet"):
        answer = strand(command, "--out", tmp_path / f"all.{ending}", "-w", petshop_after_its_run)
        assert (answer.code, answer.out) == (0, "")
        assert f"{len(found)} " in answer.err
    lines = (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == found
    with (tmp_path / "all.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["at_ms"] for row in table] == [str(row["at_ms"]) for row in found]
    columns = pyarrow.parquet.read_table(tmp_path / "all.parquet").to_pylist()
    assert [(row["customer"], row["at_ms"]) for row in columns] == [(row["customer"], row["at_ms"]) for row in found]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.csv", "all.jsonl", "all.parquet"]


def test_an_export_goes_into_a_pipe_and_behind_a_link(petshop_after_its_run: Path, tmp_path: Path) -> None:
    found = rows("messages", petshop_after_its_run)
    pipe, link, target = tmp_path / "pipe", tmp_path / "link.jsonl", tmp_path / "target"
    os.mkfifo(pipe)
    link.symlink_to(target)
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(pipe.read_text, encoding="utf-8")
        for out in (pipe, link):
            assert strand("messages", "--format", "jsonl", "--out", out, "-w", petshop_after_its_run).code == 0
        taken = reading.result(timeout=60)
    assert pipe.is_fifo()
    assert link.is_symlink()
    for text in (taken, target.read_text(encoding="utf-8")):
        assert [json.loads(line) for line in text.splitlines()] == found


def test_an_export_that_cannot_be_is_a_wrong_call(petshop_after_its_run: Path, tmp_path: Path) -> None:
    for more, hint in (
        (["--format", "parquet"], "--out FILE"),
        (["--out", tmp_path / "all.xls"], "does not end in"),
        (["--out", tmp_path / "no/all.csv"], "is no folder"),
    ):
        answer = strand("messages", *more, "-w", petshop_after_its_run)
        assert (answer.code, answer.out) == (2, "")
        assert hint in answer.err


def test_refused_events_are_listed_with_their_bytes(petshop: Path) -> None:
    bad = petshop / "bad.jsonl"
    bad.write_text('{"id": "x1", "type": "order_completed", "customer_id": "ann"\nnonsense\n', encoding="utf-8")
    answer = strand("publish", bad, "--catch-up", "--json", "-w", petshop)
    assert answer.code == 1
    assert [line["reason"] for line in answer.json_lines()] == ["syntax", "syntax"]
    letters = rows("dead-letters", petshop)
    assert all(tuple(row) == LETTERS for row in letters)
    assert [(row["door"], row["reason"], row["offset"]) for row in letters] == [("publish", "syntax", None)] * 2
    assert "nonsense" in {row["raw"] for row in letters}


def test_segments_count_everybody_once_in_each_dimension(petshop_after_its_run: Path) -> None:
    found = rows("segments", petshop_after_its_run)
    by_name: dict[str, int] = {}
    for row in found:
        if row["of"] != "segment":
            by_name[row["of"] + row["name" if row["of"] == "dimension" else "of"]] = (
                by_name.get(row["of"] + row["name" if row["of"] == "dimension" else "of"], 0) + row["customers"]
            )
    assert set(by_name.values()) == {7}
    regular = next(row for row in found if (row["of"], row["name"]) == ("segment", "regular"))
    assert regular["share"] == regular["customers"] / 7


def test_before_any_event_there_is_nothing_to_list(shop: Path) -> None:
    answer = strand("decisions", "-w", shop)
    assert (answer.code, answer.out) == (2, "")
    assert "strand import" in answer.err


def test_dead_letters_list_is_dead_letters(petshop_after_its_run: Path) -> None:
    found = strand("dead-letters", "list", "--json", "-w", petshop_after_its_run)
    assert (found.code, found.out) == (0, strand("dead-letters", "--json", "-w", petshop_after_its_run).out)

"""The socket of a running engine: what arrives together, nonsense, other versions, and paths too long for it."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine.publisher import Publisher
from engine.runtimes.embedded import frames
from tests.engine.runtimes.shop import (
    ids,
    live,
    make_shop,
    now_line,
)

pytestmark = pytest.mark.slow


def answer_at(asker: socket.socket) -> frames.Reply:
    return frames.read_reply(frames.receive(asker, frames.frame_bytes(frames.receive(asker, 4))))


def test_what_arrives_together_is_appended_together(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=1)
    # It would die at the third append: the activation's is the first one.
    with live(shop, kill_at="after-log-fsync:3") as owner, ExitStack() as stack:
        askers = []
        for _ in range(8):
            asker = stack.enter_context(socket.socket(socket.AF_UNIX))
            asker.connect(str(shop / "socket"))
            asker.sendall(frames.frame(frames.Publish([], False)))
            assert answer_at(asker) == frames.Answers([])
            askers.append(asker)
        owner.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, owner.pid, os.WSTOPPED | os.WNOWAIT)
        for number, asker in enumerate(askers):
            asker.sendall(frames.frame(frames.Publish([now_line(f"o-{number}")], False)))
        owner.send_signal(signal.SIGCONT)
        for number, asker in enumerate(askers):
            reply = answer_at(asker)
            assert isinstance(reply, frames.Answers)
            assert reply.answers[0].id == f"o-{number}"
        assert owner.poll() is None
    assert len(ids(shop)) == 8


NONSENSE = [
    b"\xff\xff\xff\xff",  # a length beyond all frames
    b"\x00\x00\x00\x01\xc1",  # no MessagePack
    b"\x00\x00\x00\x03\x92\x63\xc0",  # another version
    b"\x00\x00\x00\x02\x92\x01",  # cut off
]


def test_nonsense_at_the_socket_harms_nobody(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    with live(shop):
        for nonsense in NONSENSE:
            with socket.socket(socket.AF_UNIX) as asker:
                asker.connect(str(shop / "socket"))
                asker.sendall(nonsense)
                assert isinstance(answer_at(asker), frames.Failed)
                assert asker.recv(1) == b""  # and hung up
        with socket.socket(socket.AF_UNIX) as silent:
            silent.connect(str(shop / "socket"))
            silent.sendall(b"\x00\x00\x10\x00half a frame")
            with Publisher(shop) as publisher:
                assert publisher.publish_group([now_line("o")])[0].reason is None


def test_another_versions_frames_are_refused_by_name() -> None:
    body = frames.frame(frames.Done())[4:]
    with pytest.raises(frames.Garbled, match="a frame of version 9; this release of Strand speaks version 1"):
        frames.read_reply(body.replace(b"\x92\x01", b"\x92\x09", 1))


def test_a_workspace_deep_in_the_tree_has_a_socket_too(tmp_path: Path) -> None:
    folder = tmp_path
    while len(os.fsencode(folder)) < 150:
        folder = folder / "deeper"
    folder.mkdir(parents=True)
    shop = make_shop(folder / "shop")
    with live(shop), Publisher(shop) as publisher:
        assert publisher.handed_over
        assert publisher.publish_group([now_line("o")])[0].reason is None

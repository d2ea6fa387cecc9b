"""Depots as tests use them: a folder, and a bucket on a server that speaks S3 and asks who one is."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import fsspec

from tests.engine.runtimes.kafka.workers import free_port
from tests.engine.runtimes.shop import ROOT, wait_for

BUCKET = "checkpoints"
PAGE = ROOT / "docs" / "operations.md"
ALLOWED = sorted(set(re.findall(r"`(s3:\w+)`", PAGE.read_text(encoding="utf-8"))))
"""What the page says that workers must be allowed."""

UNASKED = 4
"""Requests that the server takes from anybody: they make the bucket, and a user who may do what is allowed."""

OTHER_WAYS = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_REGION")


@dataclass(frozen=True, slots=True)
class Server:
    """A server with one bucket: what a user's environment says of it, and where it writes what was asked."""

    environment: Mapping[str, str]
    log: Path


@contextmanager
def serving_s3(folder: Path) -> Iterator[Server]:
    """A server while the body runs, in a process of its own."""
    port, log = free_port(), folder / "s3.log"
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(UNASKED)}
    with log.open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said, env=environment) as process:
        try:
            wait_for(lambda: process.poll() is not None or _answers(port))
            endpoint = f"http://127.0.0.1:{port}"
            key = _make_bucket_and_user(endpoint)
            yield Server(
                {
                    "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
                    "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
                    "AWS_ENDPOINT_URL": endpoint,
                    "AWS_DEFAULT_REGION": "us-east-1",
                },
                log,
            )
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _make_bucket_and_user(endpoint: str) -> dict[str, str]:
    """The user's key; as many requests as the server takes from anybody."""
    anybody = {"region_name": "us-east-1", "aws_access_key_id": "anybody", "aws_secret_access_key": "anything"}
    boto3.client("s3", endpoint_url=endpoint, **anybody).create_bucket(Bucket=BUCKET)
    users = boto3.client("iam", endpoint_url=endpoint, **anybody)
    users.create_user(UserName="worker")
    key: dict[str, str] = users.create_access_key(UserName="worker")["AccessKey"]
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ALLOWED, "Resource": "*"}]}
    users.put_user_policy(UserName="worker", PolicyName="checkpoints", PolicyDocument=json.dumps(may))
    return key


class Site:
    """Where a depot is, for a test that looks at its files or does them harm; `log` is that of a bucket's server."""

    def __init__(self, url: str, log: Path | None = None) -> None:
        self.url = url
        self._log = log
        self._files: Any  # it shares nothing with the depot's, since it is asked for in another way
        self._files, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False)

    def objects(self) -> list[str]:
        """The files of databases."""
        return [place for place in self._all() if "/objects/" in place]

    def manifests(self) -> list[str]:
        """The manifests, oldest first."""
        return [place for place in self._all() if "/checkpoints/" in place]

    def _all(self) -> list[str]:
        found: list[str] = self._files.find(self._root)
        return sorted(found)

    def read(self, place: str) -> bytes:
        """What is there."""
        content: bytes = self._files.cat_file(place)
        return content

    def write(self, place: str, content: bytes) -> None:
        """Have something else there."""
        self._files.pipe_file(place, content)

    def remove(self, place: str) -> None:
        """Have nothing there."""
        self._files.rm_file(place)

    def writings(self) -> dict[str, int]:
        """A number of each object, another one once it is written again: its inode, or how often the server took it."""
        if self._log is None:
            return {place: Path(place).stat().st_ino for place in self.objects()}
        asked = self._log.read_text()
        return {place: asked.count(f"PUT /{place} ") for place in self.objects()}

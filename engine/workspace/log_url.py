"""Where the log is: `embedded:`, or `kafka://host:9092,host2:9092`."""

from __future__ import annotations

import re

EMBEDDED = "embedded:"
KAFKA = "kafka://"
PASSWORD = "STRAND_KAFKA__SASL_PASSWORD"  # noqa: S105 -- the name of a variable
MUST = f"must be '{EMBEDDED}' or '{KAFKA}host:9092,host2:9092'"

_ADDRESS = re.compile(
    r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?):(?P<port>[0-9]{1,5})", re.ASCII
)


def check_log_url(url: str) -> str:
    """The url as it came; raises ValueError, which does not repeat it: people write passwords into such places."""
    if "@" in url:
        raise ValueError(f"{MUST}, without a user; the user is kafka.sasl_username, the password comes from {PASSWORD}")
    if url != EMBEDDED:
        brokers_of(url)
    return url


def brokers_of(url: str) -> list[str]:
    """host:port of each broker that a kafka url names; raises ValueError for any other."""
    addresses = url.removeprefix(KAFKA).removesuffix("/").split(",")
    found = [_ADDRESS.fullmatch(address) for address in addresses]
    if not url.startswith(KAFKA) or not all(each and 0 < int(each["port"]) < 1 << 16 for each in found):
        raise ValueError(MUST)
    return addresses

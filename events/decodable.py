"""Structs that several threads may be the first to decode.

msgspec looks at a struct when it is first decoded, and a thread that finds another still looking crashes the process
(as of 0.22). So nobody decodes a struct that was not looked at when its module was imported: by a decoder of that
module, or by this.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

Kind = TypeVar("Kind", bound=type[msgspec.Struct])


def decodable(kind: Kind) -> Kind:
    """Look at a struct now; for those that no decoder of their module is made for."""
    msgspec.msgpack.Decoder(kind)
    return kind

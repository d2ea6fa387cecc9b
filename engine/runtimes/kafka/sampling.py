"""A share of the customers, the same for everyone who asks: by a checksum of the id."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Sample:
    """Every `of`-th customer, those of slot `slot`; all with `of` 1."""

    slot: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.slot < self.of:
            raise ValueError(f"a slot must be one of {self.of}; found {self.slot}")

    def holds(self, customer: str) -> bool:
        """Whether a customer is in it."""
        return self.of == 1 or crc32(customer.encode(errors="surrogatepass")) % self.of == self.slot


ALL = Sample()

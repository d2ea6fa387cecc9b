"""How the databases are opened: every figure was chosen by measurement, with the prototype or by `strand bench`."""

from __future__ import annotations

from enum import Enum

from rocksdict import (
    BlockBasedOptions,
    Cache,
    DataBlockIndexType,
    DBCompressionType,
    DBRecoveryMode,
    Options,
    WriteBufferManager,
)

MIB = 1 << 20


class Access(Enum):
    """How a database is opened."""

    OWN = "own"  # reads and writes; takes the database's lock
    FOLLOW = "follow"  # reads only, beside an owner in another process, and sees what it wrote when it catches up


class StoreMemory:
    """What the stores of one process may keep in memory together: blocks read, and writes not yet in a file.

    One instance is shared by all partitions; it must not cross a fork.
    """

    def __init__(self, cache_bytes: int = 32 * MIB, buffer_bytes: int = 64 * MIB) -> None:
        self.cache = Cache(cache_bytes)
        self.buffers = WriteBufferManager(buffer_bytes, False)


def database_options(memory: StoreMemory, *, create: bool) -> Options:
    """Options of a whole database; `create` allows a new one."""
    options = _base(memory)
    options.create_if_missing(create)
    options.create_missing_column_families(True)
    # RocksDB's default ends the log silently at a flipped byte and drops the acknowledged records behind it.
    options.set_wal_recovery_mode(DBRecoveryMode.tolerate_corrupted_tail_records())
    options.set_recycle_log_file_num(0)  # the check of write-ahead files knows the plain format only
    options.set_max_total_wal_size(64 * MIB)  # bounds what a start has to replay
    options.set_write_buffer_manager(memory.buffers)
    options.set_max_background_jobs(2)
    options.set_max_file_opening_threads(2)  # RocksDB's 16 a family cost more than opening the files: half of a start
    options.set_keep_log_file_num(4)
    options.set_max_log_file_size(MIB)
    options.set_stats_dump_period_sec(0)
    options.set_stats_persist_period_sec(0)
    return options


def sequential_options(memory: StoreMemory) -> Options:
    """Options of a column family that is appended to and read in order."""
    options = _base(memory)
    options.set_write_buffer_size(8 * MIB)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_block_based_table_factory(_tables(memory, block_bytes=16 * 1024))
    return options


def lookup_options(memory: StoreMemory) -> Options:
    """Options of a column family that is read by key, most keys cold: without compression, with bloom filter and hash
    index a cold customer of a million costs 4 to 6 us instead of 6 to 10, and a third less where blocks that nobody
    asks for again are not kept; with a large write buffer its write a fifth less, since files are merged less often.
    """
    options = _base(memory)
    options.set_write_buffer_size(32 * MIB)
    options.set_compression_type(DBCompressionType.none())
    tables = _tables(memory, block_bytes=4 * 1024)
    tables.disable_cache()
    tables.set_bloom_filter(10, False)
    tables.set_data_block_index_type(DataBlockIndexType.binary_and_hash())
    options.set_block_based_table_factory(tables)
    return options


def small_options(memory: StoreMemory) -> Options:
    """Options of a column family of few or short entries."""
    options = _base(memory)
    options.set_write_buffer_size(4 * MIB)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_block_based_table_factory(_tables(memory, block_bytes=4 * 1024))
    return options


def _base(memory: StoreMemory) -> Options:
    options = Options(raw_mode=True)
    options.set_paranoid_checks(True)
    options.set_max_open_files(-1)  # a follower must keep the files that its owner has deleted meanwhile
    options.set_block_based_table_factory(_tables(memory, block_bytes=4 * 1024))
    return options


def _tables(memory: StoreMemory, *, block_bytes: int) -> BlockBasedOptions:
    tables = BlockBasedOptions()
    tables.set_block_cache(memory.cache)
    tables.set_block_size(block_bytes)
    return tables

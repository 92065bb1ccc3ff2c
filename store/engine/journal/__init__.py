"""The append-only journal: segments of frames, its lock-free reader and its one writer."""

from stepwell.store.engine.journal.journal import Journal, Moment, moment_of, share_memory
from stepwell.store.engine.journal.transaction import Transaction
from stepwell.store.engine.journal.writer import Durability, JournalWriter

__all__ = [
    "Durability",
    "Journal",
    "JournalWriter",
    "Moment",
    "Transaction",
    "moment_of",
    "share_memory",
]

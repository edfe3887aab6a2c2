"""A result made again: what is compared, what has changed meanwhile, and the file that says so beside it."""

from .again import data_again, reproduce
from .record import REPRODUCTION_FILE, Change, ReproductionFile, read_reproduction, write_reproduction

__all__ = [
    "REPRODUCTION_FILE",
    "Change",
    "ReproductionFile",
    "data_again",
    "read_reproduction",
    "reproduce",
    "write_reproduction",
]

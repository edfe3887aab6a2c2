"""The command line: `groundcxr`, and `evaluate` for short."""

from .limits import spare_threads

# Here, since the modules of the commands import NumPy.
spare_threads()

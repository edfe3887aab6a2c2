"""The command line: `groundcxr`, and `evaluate` for short."""

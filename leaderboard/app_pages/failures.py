"""The page "Failures"."""

from groundcxr.leaderboard.views.failures import show  # pyright: ignore[reportMissingImports]  # run as a script

show()

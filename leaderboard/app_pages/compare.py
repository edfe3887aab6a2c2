"""The page "Compare"."""

from groundcxr.leaderboard.views.compare import show  # pyright: ignore[reportMissingImports]  # run as a script

show()

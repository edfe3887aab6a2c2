"""The page "Leaderboard"."""

from groundcxr.leaderboard.views.board import show  # pyright: ignore[reportMissingImports]  # run as a script

show()

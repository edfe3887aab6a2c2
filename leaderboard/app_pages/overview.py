"""The page "Overview"."""

from groundcxr.leaderboard.views.overview import show  # pyright: ignore[reportMissingImports]  # run as a script

show()

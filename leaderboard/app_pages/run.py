"""The page "Method and run"."""

from groundcxr.leaderboard.views.run import show  # pyright: ignore[reportMissingImports]  # run as a script

show()

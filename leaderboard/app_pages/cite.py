"""The page "Cite"."""

from groundcxr.leaderboard.views.cite import show  # pyright: ignore[reportMissingImports]  # run as a script

show()

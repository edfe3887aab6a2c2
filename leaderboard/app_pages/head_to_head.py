"""The page "Head to head"."""

from groundcxr.leaderboard.views.head_to_head import show  # pyright: ignore[reportMissingImports]  # run as a script

show()

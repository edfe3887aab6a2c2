"""The page "Compare"."""

from groundcxr.leaderboard.views.compare import show

show()

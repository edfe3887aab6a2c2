"""The page "Failures"."""

from groundcxr.leaderboard.views.failures import show

show()

"""The page "Method and run"."""

from groundcxr.leaderboard.views.run import show

show()

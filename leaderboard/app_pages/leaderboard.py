"""The page "Leaderboard"."""

from groundcxr.leaderboard.views.board import show

show()

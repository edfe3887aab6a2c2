"""The page "Cite"."""

from groundcxr.leaderboard.views.cite import show

show()

"""The page "Head to head"."""

from groundcxr.leaderboard.views.head_to_head import show

show()

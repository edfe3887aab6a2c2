"""The protocol that counts where nobody names one."""

DEFAULT_PROTOCOL = "v2"
"""Of evaluate, score, import, the leaderboard and Python alike; here, since naming it must load no protocol."""

"""The leaderboard: results found, compared, shown in a browser and written out. Imports no deep-learning library."""

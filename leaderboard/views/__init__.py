"""What each page of the leaderboard shows."""

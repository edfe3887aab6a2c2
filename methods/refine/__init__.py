"""Methods that change what another method answers."""

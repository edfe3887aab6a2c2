"""A method in another Python environment: what it requires, and where its environment is."""

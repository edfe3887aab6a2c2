"""A method in another Python environment: run by another interpreter, asked over a socket pair; its environment."""

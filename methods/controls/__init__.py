"""Controls: what any method must beat, what none can, and what the wrong phrase is worth."""

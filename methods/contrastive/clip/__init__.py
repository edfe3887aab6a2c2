"""CLIP models as grounding methods: `clip`, from files or the hub, and the bundled `clip-phantom`."""

"""Diffusion methods: where a generative model attends to a phrase while it looks at an image."""

"""Contrastive methods: the cosine similarity of image patches and a phrase in one space of embeddings."""

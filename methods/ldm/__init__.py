"""The diffusion method: phrases grounded with the cross-attention of a frozen latent diffusion model."""

"""The method `dit`: phrases grounded with the cross-attention of a frozen diffusion transformer."""

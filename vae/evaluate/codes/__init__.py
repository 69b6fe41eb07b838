"""How much is in codes: known factors, labels, the prior, and what each latent carries."""

"""Which latent maps carry an outcome."""

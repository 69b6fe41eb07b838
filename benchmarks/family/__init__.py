"""The family beside its neighbours: what a GAN and a diffusion model do on the same data, by the same measures."""

"""What people ask about beside a VAE, small, on pictures of 28 by 28: a GAN and a diffusion model.

They have no encoder, so no page can open them: they are trained by `python -m benchmarks.family rivals`, sampled, and
measured as a VAE's samples are. Their rows stand beside the models' in a comparison.
"""

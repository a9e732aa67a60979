"""The CREPE network and its weights, for f0 tracking and the perceptual loss."""

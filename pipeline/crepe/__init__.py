"""The CREPE network and its weights, which track f0 and measure the perceptual loss."""

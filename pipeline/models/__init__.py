"""Networks: layers, the autoencoder, the baselines, and recipes to build, save and load them."""

"""Networks: layers, the autoencoder, the baselines, and the recipe that builds, saves and loads
them.
"""

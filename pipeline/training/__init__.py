"""Training: the loop, the pretraining of the f0 encoder, whole training runs and export."""

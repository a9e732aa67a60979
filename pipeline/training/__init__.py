"""Training: the loop, pretraining, an experiment as a whole, export."""

"""A test split resynthesized by a trained model and tracked, and the yardsticks beside it."""

"""Resynthesize a test split with a trained model, track the result, and render the yardsticks."""

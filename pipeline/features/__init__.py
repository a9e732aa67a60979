"""Features measured in sound: f0, loudness, and both together."""

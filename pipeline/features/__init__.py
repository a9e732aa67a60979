"""Features measured from audio: f0, loudness, and both in control frames."""

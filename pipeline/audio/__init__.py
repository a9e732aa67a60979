"""Audio files, and sets of tracked clips on disk."""

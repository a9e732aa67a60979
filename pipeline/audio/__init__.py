"""Sound on disk: decoding and writing files, sets of tracked clips."""

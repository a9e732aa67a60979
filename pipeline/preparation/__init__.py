"""Beam jobs over whole data sets: feature extraction, shards, writing TFRecords."""

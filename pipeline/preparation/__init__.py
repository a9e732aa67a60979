"""Apache Beam jobs over whole data sets: feature extraction and TFRecord shards."""

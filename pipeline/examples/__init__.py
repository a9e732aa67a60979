"""Training examples: their schema, their tf.data pipelines, and their assignment to experiments."""

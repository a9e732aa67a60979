"""Training examples: their schema, reading them with tf.data, and which experiment is assigned
which.
"""

"""TFRecords written without TensorFlow are those that TensorFlow reads, and writes."""

import numpy as np
import tensorflow as tf

from pipeline.preparation.tfrecord import encode, write_records


def test_encoding_is_tensorflow_s_own(random):
    values = random.normal(size=100).astype(np.float32)
    example = tf.train.Example()
    example.features.feature["name"].bytes_list.value.append("Gr\u00fc\u00dfe".encode())
    example.features.feature["curve"].float_list.value.extend(values)
    assert encode({"name": "Gr\u00fc\u00dfe"}, {"curve": values}) == example.SerializeToString(
        deterministic=True
    )


def test_files_are_tensorflow_s_own(tmp_path, random):
    records = [random.bytes(length) for length in (0, 1, 1000, 100_000)]
    write_records(tmp_path / "ours.tfrecord", records)
    with tf.io.TFRecordWriter(str(tmp_path / "theirs.tfrecord")) as writer:
        for record in records:
            writer.write(record)
    assert (tmp_path / "ours.tfrecord").read_bytes() == (tmp_path / "theirs.tfrecord").read_bytes()
    assert [
        record.numpy() for record in tf.data.TFRecordDataset(str(tmp_path / "ours.tfrecord"))
    ] == records

"""TFRecords written without TensorFlow are byte for byte those that TensorFlow writes."""

import numpy as np
import tensorflow as tf

from pipeline.preparation.tfrecord import encode, write_records


def test_encoding_equals_tensorflows(random):
    values = random.normal(size=100).astype(np.float32)
    example = tf.train.Example()
    example.features.feature["name"].bytes_list.value.append("Gr\u00fc\u00dfe".encode())
    example.features.feature["curve"].float_list.value.extend(values)
    assert encode({"name": "Gr\u00fc\u00dfe"}, {"curve": values}) == example.SerializeToString(
        deterministic=True
    )


def test_files_equal_tensorflows(tmp_path, random):
    records = [random.bytes(length) for length in (0, 1, 1000, 100_000)]
    write_records(tmp_path / "ours.tfrecord", records)
    with tf.io.TFRecordWriter(str(tmp_path / "theirs.tfrecord")) as writer:
        for record in records:
            writer.write(record)
    assert (tmp_path / "ours.tfrecord").read_bytes() == (tmp_path / "theirs.tfrecord").read_bytes()
    dataset = tf.data.TFRecordDataset(str(tmp_path / "ours.tfrecord"))
    assert [record.numpy() for record in dataset] == records

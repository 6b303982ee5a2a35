"""Hold the relinked TensorFlow against the whole one: the same answers, bit for bit, and the same refusals."""

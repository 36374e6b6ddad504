"""The implementation for TensorFlow."""

"""Run a model and read features of its layers."""

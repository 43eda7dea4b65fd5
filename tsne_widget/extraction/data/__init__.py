"""Datasets and loaders as numbered batches."""

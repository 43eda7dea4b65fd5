"""Read samples and batches from any dataset or loader."""

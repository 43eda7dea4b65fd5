"""Features → map on a GPU: every stage of a fit in torch operations, the inner loop in Triton."""

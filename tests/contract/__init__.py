"""The exported page answers like the kernel: recorded conversations, replayed by node."""

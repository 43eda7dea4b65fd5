"""The exported page answers as the kernel does: recorded conversations, replayed by node."""

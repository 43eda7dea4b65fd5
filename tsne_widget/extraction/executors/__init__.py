"""The extraction loop, in this process or on a Ray cluster."""

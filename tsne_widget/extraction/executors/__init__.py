"""Where the extraction loop runs: in this process or on Ray."""

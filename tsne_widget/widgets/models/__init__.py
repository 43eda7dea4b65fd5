"""What views show, computed from the state, without traitlets."""

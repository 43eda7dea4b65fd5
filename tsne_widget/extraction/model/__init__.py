"""The model: its layers, its forward pass, its logits."""

"""The frame around the other views."""

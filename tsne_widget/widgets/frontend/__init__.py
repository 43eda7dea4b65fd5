"""What the scripts of several views share."""

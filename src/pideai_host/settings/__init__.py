"""What the operator tells the host, and the folder it keeps things in."""

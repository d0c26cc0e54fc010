"""What comes back: read, matched with its message, and taken to where it counts."""

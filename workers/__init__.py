"""What arq runs by itself: settings of a few lines."""

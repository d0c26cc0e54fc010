"""arq settings and jobs of a few lines: they wake the lanes and keep the time."""

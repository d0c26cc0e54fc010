"""Templates to text: the sandbox and its limits, Japanese, lines, links."""

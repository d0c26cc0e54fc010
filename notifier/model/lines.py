r"""Lines of what came from outside.

``str.splitlines`` also cuts at U+0085, U+2028, U+2029 and five more characters, any of which a
remote server may put into its reply: what follows would stand as a line of its own. Only a line
feed ends a line here, and in a file that is read as text (``newline="\n"``).
"""


def lines_of(text: str) -> list[str]:
    r"""Cut a text at ``\n`` only; a ``\r`` before it is left out, and so is an empty last line."""
    found = text.split("\n")
    if not found[-1]:
        found.pop()
    return [line.removesuffix("\r") for line in found]

"""The archive: exact bytes in little room, and letters made again from them."""

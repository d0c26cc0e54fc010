"""Batches of letters: bind, hand over, acknowledge.

The way of a letter, module by module:

1. ``collect``: letters that are due become a batch, within a ``context``.
2. ``drafting``: a row becomes a correspondence; its inputs are packed for the archive.
3. ``typesetting`` and ``binding``: letters become files, and every page is looked at.
4. ``volumes``, ``manifest`` and ``folder``: files, lists and checksums stand in the batch's folder.
5. ``withdraw``: what was stopped meanwhile is taken out.
6. ``handover``: the batch is brought to its ``target`` (``sftp``), compared, and published.
7. ``acknowledge`` and ``returned``: what the press and the post say became of each piece.
"""

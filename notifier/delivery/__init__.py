"""The SMTP engine: claim → render → permit → transmit → record.

The way of a mail, module by module:

1. ``wake_up``: whoever has committed a message notifies the workers of its lane.
2. ``deliverer``: the lane's loop in a worker process (``process``, ``session``) wakes up.
3. ``claim``: messages are claimed with all that rendering needs.
4. ``compose`` and ``render``: a row becomes a signed mail (``dkim``), packed for
   the archive.
5. ``gate``: the relay and the destination take it now (``breaker``, ``shaping``, ``destinations``).
6. ``pool``: a connection is free, or is opened.
7. ``dispatch``: the permit is committed with the exact bytes.
8. ``connection`` and ``smtp``: the transaction; before the body the ``journal`` has a line.
9. ``replies``: what the relay's answer says.
10. ``outcomes`` and ``recorder``: what becomes of the message goes on record.

``resolve`` puts right what dead workers left behind.
"""

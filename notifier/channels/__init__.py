"""The channels by which messages go: what each allows, reaches, renders and transports.

The pure half of a channel (its moves, what a member must have, its templates) is its
:class:`~notifier.model.states.ChannelRules`. A further channel is a package or a module here and a
line in ``registry``; ``docs/adding-a-channel.md`` says how.
"""

"""Telling others what became of messages: a feed for those who poll, webhooks for the others."""

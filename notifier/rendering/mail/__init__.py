"""Mails: MJML to HTML, and the message for the relay."""

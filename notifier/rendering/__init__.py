"""From a decision to bytes: mails and letters in plain polite Japanese."""

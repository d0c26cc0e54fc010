"""Webhooks of mail providers: whether they are genuine, and what their words mean in ours."""

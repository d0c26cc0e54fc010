"""Use cases: each opens its transaction, takes the actor, checks, stores, and returns a value.

Entry points (a verb, a route, a job) parse, call one use case, and show what it returned. Nothing
here prints or knows HTTP.
"""

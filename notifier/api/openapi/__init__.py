"""The OpenAPI document: every route, body, answer and error, with examples.

It is put together from what the program itself goes by: the models of events, the values that
answers are made of, the words of problems. The tests hold real answers against it.
"""

from .document import document as document

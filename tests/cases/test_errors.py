"""Errors go from one process to another whole: letters are set in processes of their own."""

import pickle

import pytest

from notifier.model.errors import BadInput, Conflict, Damaged, FieldError, NotAllowed, NotFound


@pytest.mark.parametrize(
    "error",
    [
        NotAllowed("held", code="task_closed", task=7),
        NotFound("member", "M1", forms=["M0"]),
        Damaged("document", 5),
        Conflict("billing.example.jp", "a", [FieldError("id", "conflict")]),
        BadInput([FieldError("name", "missing", line=3)]),
    ],
    ids=lambda e: type(e).__name__,
)
def test_an_error_is_the_same_on_the_other_side(error: Exception) -> None:
    other = pickle.loads(pickle.dumps(error))
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert vars(other) == vars(error)

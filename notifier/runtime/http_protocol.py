"""HTTP/1.1 as we serve it: httptools under uvicorn, without trailers."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from notifier.api import request_ids
from notifier.api.problems import problem
from notifier.write.labels import DEFAULT_LANGUAGE


class HttpProtocol(HttpToolsProtocol):
    """What follows the body is no header (RFC 9110 6.5), and what is no HTTP is told so.

    The parser hands trailers over like headers; uvicorn adds them to those of the request, which
    may not have been looked at yet: an ``Authorization`` behind the body would authenticate.
    """

    def on_headers_complete(self) -> None:
        """Begin the request with the headers so far; later ones go nowhere."""
        super().on_headers_complete()
        self.headers = []

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (uvicorn's words, in English)
        """Answer bytes that are no request with a problem document, and close."""
        request_id = request_ids.chosen(())
        with request_ids.during(request_id):
            answer = problem(400, "bad_request", DEFAULT_LANGUAGE)
        head = [
            *answer.raw_headers,
            (b"x-content-type-options", b"nosniff"),
            (request_ids.HEADER.lower().encode(), request_id.encode()),
            (b"connection", b"close"),
        ]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in head)
        self.transport.write(STATUS_LINE[400] + lines + b"\r\n" + bytes(answer.body))
        self.transport.close()

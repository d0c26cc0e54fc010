"""HTTP/1.1 as we serve it: httptools under uvicorn, without trailers."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class HttpProtocol(HttpToolsProtocol):
    """What follows the body is no header (RFC 9110 6.5).

    The parser hands trailers over like headers; uvicorn adds them to those of the request, which
    may not have been looked at yet: an ``Authorization`` behind the body would authenticate.
    """

    def on_headers_complete(self) -> None:
        """Begin the request with the headers so far; later ones go nowhere."""
        super().on_headers_complete()
        self.headers = []

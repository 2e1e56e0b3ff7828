"""Mints a user token over mutual TLS and prints it. Only the standard library.

    python3 mint.py https://127.0.0.1:8444 DIR USER-ID

DIR is what `stoa token-server client issue --out DIR` has written.
"""

import http.client
import json
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit


class TokenServer:
    """A connection to the token server. It is kept open; use one for each thread."""

    def __init__(self, url: str, directory: Path) -> None:
        context = ssl.create_default_context(cafile=str(directory / "ca.pem"))
        context.load_cert_chain(directory / "client.pem", directory / "client-key.pem")
        place = urlsplit(url)
        self._connection = http.client.HTTPSConnection(
            place.hostname, place.port, context=context, timeout=10
        )

    def call(self, path: str, body: dict) -> dict:
        """Makes a call and returns its answer; raises RuntimeError if it is refused."""
        headers = {"content-type": "application/json"}
        self._connection.request("POST", path, json.dumps(body), headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise RuntimeError(f"HTTP {answer.status}: {text}")
        return json.loads(text)


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit("usage: python3 mint.py URL DIR USER-ID")
    url, directory, user = sys.argv[1:]
    server = TokenServer(url, Path(directory))
    # The id that your own app knows the person by. It never enters the chat.
    print(server.call("/v1/tokens", {"user": user, "ttl": 3600})["token"])


if __name__ == "__main__":
    main()

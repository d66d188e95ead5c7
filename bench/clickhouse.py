"""ClickHouse over HTTP, as the scripts beside this file ask it."""

import base64
import http.client
import urllib.parse

DEADLINE = 30  # seconds for one answer


class ClickHouse:
    """One connection; `url` with user and password, as endpoints.json has it, and settings of every query."""

    def __init__(self, url, **settings):
        url = urllib.parse.urlsplit(url)
        login = f"{urllib.parse.unquote(url.username or 'default')}:{urllib.parse.unquote(url.password or '')}"
        self.headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
        self.settings = {"max_execution_time": DEADLINE, "default_format": "TSV"} | settings
        self.link = http.client.HTTPConnection(url.hostname, url.port, timeout=DEADLINE)

    def ask(self, sql, **params):
        """The rows of the answer, each a line of tab-separated values. Ends the script when the query fails."""
        settings = self.settings | {f"param_{name}": value for name, value in params.items()}
        self.link.request("POST", "/?" + urllib.parse.urlencode(settings), sql.encode(), self.headers)
        answer = self.link.getresponse()
        body = answer.read().decode()
        if answer.status != 200:
            raise SystemExit(f"ClickHouse: {body.strip()}")
        return body.split("\n")[:-1]

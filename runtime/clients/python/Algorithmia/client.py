"""The client: algorithms and data of the platform over its REST API."""
import json
import os

from Algorithmia.algorithm import Algorithm
from Algorithmia.datadirectory import DataDirectory, LocalDataDirectory
from Algorithmia.datafile import DataFile, LocalDataFile
from Algorithmia.errors import ApiError


def _run_number():
    """The request for which this code runs, where that is known."""
    import sys

    pipe = sys.modules.get("millrace_pipe")
    return None if pipe is None else pipe.run_number.get()


class Client(object):
    def __init__(self, apiKey=None, apiAddress=None, caCert=None, bearerToken=None):
        """`caCert` is a file of certificates; False means that none are checked."""
        self.apiKey = apiKey or os.environ.get("ALGORITHMIA_API_KEY")
        self.bearerToken = bearerToken or os.environ.get("ALGORITHMIA_BEARER_TOKEN")
        self.apiAddress = (apiAddress or os.environ.get("ALGORITHMIA_API") or "https://api.algorithmia.com").rstrip("/")
        self.ca_cert = caCert if caCert is not None else os.environ.get("REQUESTS_CA_BUNDLE")

    def algo(self, algoRef):
        return Algorithm(self, algoRef)

    def file(self, dataUrl, cleanup=False):
        """`cleanup` is understood and not needed: temporary copies go when nobody holds them any longer."""
        return LocalDataFile(self, dataUrl) if dataUrl.startswith("file://") else DataFile(self, dataUrl)

    def dir(self, dataUrl):
        return LocalDataDirectory(self, dataUrl) if dataUrl.startswith("file://") else DataDirectory(self, dataUrl)

    def username(self):
        """The account that calls."""
        return self.json("GET", "/v1/caller")["username"]

    def report_insights(self, insights):
        """Sends a dictionary of metrics that belongs to the running request."""
        self.request("POST", "/v1/insights", json.dumps(insights).encode("utf-8"), "application/json")

    def json(self, method, path, value=None):
        """Sends a value and reads one. Raises ApiError with the platform's message."""
        body = None if value is None else json.dumps(value).encode("utf-8")
        status, _, answer = self.request(method, path, body, None if value is None else "application/json")
        try:
            read = json.loads(answer.decode("utf-8"))
        except ValueError:
            read = {}
        if status >= 400:
            error = read.get("error") if isinstance(read, dict) else None
            raise ApiError((error or {}).get("message", "%s %s failed with status %d" % (method, path, status)))
        return read

    def request(self, method, path, body=None, content_type=None, timeout_s=None):
        """Returns (status, headers, bytes); statuses of 400 and above are returned too."""
        # Here, because loading it takes longer than starting the interpreter.
        import urllib.error
        import urllib.request

        request = urllib.request.Request(self.apiAddress + path, data=body, method=method)
        if content_type is not None:
            request.add_header("Content-Type", content_type)
        if self.apiKey:
            request.add_header("Authorization", "Simple " + self.apiKey)
        elif self.bearerToken:
            request.add_header("Authorization", "Bearer " + self.bearerToken)
        number = _run_number()
        if number is not None:
            # Code that outlives its request is told from the next one by it.
            request.add_header("X-Millrace-Run", str(number))
        try:
            with urllib.request.urlopen(request, timeout=timeout_s, context=self._context()) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def _context(self):
        if self.ca_cert is None or not self.apiAddress.startswith("https"):
            return None
        import ssl

        if self.ca_cert is False:
            return ssl._create_unverified_context()
        context = ssl.create_default_context()
        context.load_verify_locations(self.ca_cert)
        return context

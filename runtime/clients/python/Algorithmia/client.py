"""The client: algorithms and data of the platform over its REST API."""
import json
import os

from Algorithmia.algorithm import Algorithm
from Algorithmia.data import DataDirectory, DataFile, LocalDataFile


class Client(object):
    def __init__(self, api_key=None, api_address=None):
        self.apiKey = api_key or os.environ.get("ALGORITHMIA_API_KEY")
        self.apiAddress = (api_address or os.environ.get("ALGORITHMIA_API") or "https://api.algorithmia.com").rstrip("/")

    def algo(self, ref):
        return Algorithm(self, ref)

    def file(self, uri):
        return LocalDataFile(self, uri) if uri.startswith("file://") else DataFile(self, uri)

    def dir(self, uri):
        return DataDirectory(self, uri)

    def report_insights(self, insights):
        """Sends a dictionary of metrics that belongs to the running request."""
        self.request("POST", "/v1/insights", json.dumps(insights).encode("utf-8"), "application/json")

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
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

"""Calls of other algorithms."""
import json
from enum import Enum

from Algorithmia.algo_response import AlgoResponse

OutputType = Enum("OutputType", "default raw void")


def _encode(value):
    if value is None:
        return b"null", "application/json"
    if isinstance(value, str):
        return value.encode("utf-8"), "text/plain"
    if isinstance(value, (bytes, bytearray)):
        return bytes(value), "application/octet-stream"
    return json.dumps(value).encode("utf-8"), "application/json"


def _in_query(value):
    return str(value).lower() if isinstance(value, bool) else value


class Algorithm(object):
    def __init__(self, client, algoRef):
        path = (algoRef[len("algo://"):] if algoRef.startswith("algo://") else algoRef).strip("/")
        parts = path.split("/")
        if len(parts) < 2 or not all(parts):
            raise ValueError("Invalid algorithm URI: " + algoRef)
        self.client = client
        self.path = path
        self.username, self.algoname = parts[:2]
        if len(parts) > 2:
            self.version = parts[2]
        self.url = "/v1/algo/" + path
        self.query_parameters = {}
        self.output_type = OutputType.default

    def set_options(self, timeout=300, stdout=False, output=OutputType.default, **query_parameters):
        """`timeout` is in seconds. Returns the algorithm itself."""
        self.query_parameters = dict({"timeout": timeout, "stdout": stdout}, **query_parameters)
        self.output_type = output
        return self

    setOptions = set_options

    def pipe(self, input1):
        """Calls it and waits for the answer. Raises AlgorithmException when the call fails."""
        import urllib.parse

        body, content_type = _encode(input1)
        query = {key: _in_query(value) for key, value in self.query_parameters.items()}
        if self.output_type is not OutputType.default:
            query["output"] = self.output_type.name
        # A little more than the platform waits: its answer says more than a connection that broke.
        timeout_s = float(query.get("timeout", 300)) + 30
        path = self.url + ("?" + urllib.parse.urlencode(query) if query else "")
        status, _, answer = self.client.request("POST", path, body, content_type, timeout_s)
        if self.output_type is OutputType.raw and status < 400:
            return answer.decode("utf-8")
        return AlgoResponse.create_algo_response(json.loads(answer.decode("utf-8")))

    def info(self, algo_hash=None):
        """What the platform knows of the algorithm, or of one of its builds, as a dictionary."""
        path = "/v1/algorithms/%s/%s" % (self.username, self.algoname)
        return self.client.json("GET", path if algo_hash is None else "%s/builds/%s" % (path, algo_hash))

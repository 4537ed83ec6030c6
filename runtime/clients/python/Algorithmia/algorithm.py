"""Calls of other algorithms."""
import base64
import json

from Algorithmia.errors import raiseAlgoApiError


class OutputType(object):
    class _Type(object):
        def __init__(self, name):
            self.name = name

    default = _Type("default")
    raw = _Type("raw")
    void = _Type("void")


class Metadata(object):
    def __init__(self, metadata):
        self.content_type = metadata.get("content_type")
        self.duration = metadata.get("duration")
        self.stdout = metadata.get("stdout")
        self.full_metadata = metadata


class AlgoResponse(object):
    def __init__(self, result, metadata):
        self.result = result
        self.metadata = metadata


class AsyncResponse(object):
    def __init__(self, answer):
        self.async_protocol = answer.get("async")
        self.request_id = answer.get("request_id")


def _encode(value):
    if value is None:
        return b"null", "application/json"
    if isinstance(value, str):
        return value.encode("utf-8"), "text/plain"
    if isinstance(value, (bytes, bytearray)):
        return bytes(value), "application/octet-stream"
    return json.dumps(value).encode("utf-8"), "application/json"


class Algorithm(object):
    def __init__(self, client, ref):
        path = ref[len("algo://"):] if ref.startswith("algo://") else ref
        self.client = client
        self.path = path.strip("/")
        self.url = "/v1/algo/" + self.path
        self.query_parameters = {}
        self.output_type = OutputType.default
        self.set_options()

    def set_options(self, timeout=300, stdout=False, output=OutputType.default, **query_parameters):
        self.query_parameters = {"timeout": timeout, "stdout": stdout}
        self.output_type = output
        self.query_parameters.update(query_parameters)
        return self

    setOptions = set_options

    def pipe(self, input1):
        import urllib.parse

        body, content_type = _encode(input1)
        query = {key: str(value).lower() if isinstance(value, bool) else value for key, value in self.query_parameters.items()}
        if self.output_type is not OutputType.default:
            query["output"] = self.output_type.name
        timeout_s = float(self.query_parameters["timeout"]) + 30
        path = self.url + "?" + urllib.parse.urlencode(query)
        status, _, answer = self.client.request("POST", path, body, content_type, timeout_s)
        if self.output_type is OutputType.raw and status < 400:
            return answer.decode("utf-8")
        return self._response(json.loads(answer))

    def _response(self, answer):
        if "error" in answer:
            raiseAlgoApiError(answer)
        if self.output_type is OutputType.void:
            return AsyncResponse(answer)
        metadata = Metadata(answer.get("metadata", {}))
        result = answer.get("result")
        if metadata.content_type == "binary":
            result = base64.b64decode(result)
        return AlgoResponse(result, metadata)

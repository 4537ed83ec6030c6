"""What a call is answered with."""
import base64

from Algorithmia.async_response import AsyncResponse
from Algorithmia.errors import raiseAlgoApiError


class Metadata(object):
    def __init__(self, metadata):
        self.content_type = metadata.get("content_type")
        self.duration = metadata.get("duration")
        self.stdout = metadata.get("stdout")
        self.full_metadata = metadata

    def __getitem__(self, key):
        return self.__dict__[key]

    def __repr__(self):
        return "Metadata(content_type='%s',duration=%s,stdout=%s)" % (self.content_type, self.duration, self.stdout)


class AlgoResponse(object):
    def __init__(self, result, metadata):
        self.result = result
        self.metadata = metadata

    def __repr__(self):
        return "AlgoResponse(result=%s,metadata=%s)" % (self.result, self.metadata)

    @staticmethod
    def create_algo_response(answer):
        """The answer of an HTTP call, read; raises what its `error` says."""
        if "error" in answer:
            raiseAlgoApiError(answer)
        if "request_id" in answer and "metadata" not in answer:
            return AsyncResponse(answer)
        metadata = Metadata(answer.get("metadata", {}))
        result = answer.get("result")
        return AlgoResponse(base64.b64decode(result) if metadata.content_type == "binary" else result, metadata)

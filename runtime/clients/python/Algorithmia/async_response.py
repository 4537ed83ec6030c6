"""What a call is answered with whose result nobody waits for."""


class AsyncResponse(object):
    def __init__(self, response):
        self.async_protocol = response.get("async", response.get("async_protocol"))
        self.request_id = response.get("request_id")

    def __repr__(self):
        return "AsyncResponse(async_protocol=%s, request_id=%s)" % (self.async_protocol, self.request_id)

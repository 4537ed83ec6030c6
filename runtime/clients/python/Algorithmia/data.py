"""What files and folders of the platform's data API have in common."""
import json
from enum import Enum

from Algorithmia.errors import DataApiError

DataObjectType = Enum("DataObjectType", "file directory")


def path_of(uri):
    return (uri[len("data://"):] if uri.startswith("data://") else uri).strip("/")


def quote(text, safe=""):
    import urllib.parse

    return urllib.parse.quote(text, safe=safe)


def url_of(path):
    return "/v1/data/" + quote(path, safe="/:+.")


def check(status, headers, body, what):
    """Raises DataApiError with the platform's message unless the status is one of success."""
    if status < 400:
        return
    message = headers.get("X-Error-Message")
    if message is None:
        try:
            message = json.loads(body.decode("utf-8"))["error"]["message"]
        except (ValueError, KeyError, TypeError):
            message = "%s failed with status %d" % (what, status)
    raise DataApiError(message)


class DataObject(object):
    def __init__(self, client, dataUrl):
        self.client = client
        self.path = path_of(dataUrl)

    @property
    def url(self):
        return url_of(self.path)

    def getName(self):
        return self.path.rsplit("/", 1)[-1]

    def get_type(self):
        return self.data_object_type

    def is_file(self):
        return self.data_object_type is DataObjectType.file

    def is_dir(self):
        return self.data_object_type is DataObjectType.directory

    def exists(self):
        return self.existsWithError()[0]

    def existsWithError(self):
        """(True, None), or (False, why not): what may not be read does not exist for the caller."""
        status, headers, body = self.client.request("HEAD", self.url)
        try:
            check(status, headers, body, "HEAD " + self.path)
        except DataApiError as error:
            return False, error
        return True, None

    def request(self, method, query="", body=None, content_type=None):
        status, headers, answer = self.client.request(method, self.url + query, body, content_type)
        check(status, headers, answer, "%s %s" % (method, self.path))
        return answer

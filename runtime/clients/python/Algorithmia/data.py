"""Files and folders of the platform's data API."""
import json
import os

from Algorithmia.errors import DataApiError


def _path_of(uri):
    return (uri[len("data://"):] if uri.startswith("data://") else uri).strip("/")


def _quote(text, safe=""):
    import urllib.parse

    return urllib.parse.quote(text, safe=safe)


def _url_of(path):
    return "/v1/data/" + _quote(path, safe="/:+.")


def _check(status, headers, body, what):
    if status < 400:
        return
    message = headers.get("X-Error-Message")
    if message is None:
        try:
            message = json.loads(body)["error"]["message"]
        except (ValueError, KeyError, TypeError):
            message = "%s failed with status %d" % (what, status)
    raise DataApiError(message)


class DataObject(object):
    def __init__(self, client, uri):
        self.client = client
        self.path = _path_of(uri)

    @property
    def url(self):
        return _url_of(self.path)

    def _request(self, method, query="", body=None, content_type=None):
        status, headers, answer = self.client.request(method, self.url + query, body, content_type)
        _check(status, headers, answer, "%s %s" % (method, self.path))
        return answer

    def getName(self):
        return self.path.rsplit("/", 1)[-1]

    def is_file(self):
        return isinstance(self, DataFile)

    def is_dir(self):
        return not self.is_file()


class DataFile(DataObject):
    def exists(self):
        status, headers, body = self.client.request("HEAD", self.url)
        if status == 404:
            return False
        _check(status, headers, body, "HEAD " + self.path)
        return True

    def getBytes(self):
        return self._request("GET")

    def getString(self):
        return self.getBytes().decode("utf-8")

    def getJson(self):
        return json.loads(self.getString())

    def getFile(self, as_path=False):
        """A copy under the temporary folder: an open text file, or its path. It stays until the sandbox ends."""
        import tempfile

        descriptor, path = tempfile.mkstemp()
        with os.fdopen(descriptor, "wb") as file:
            file.write(self.getBytes())
        return path if as_path else open(path)

    def getAsPath(self):
        return self.getFile(as_path=True)

    def put(self, data):
        body = data.encode("utf-8") if isinstance(data, str) else bytes(data)
        self._request("PUT", body=body, content_type="application/octet-stream")
        return self

    def putJson(self, data):
        self._request("PUT", body=json.dumps(data).encode("utf-8"), content_type="application/json")
        return self

    def putFile(self, path):
        with open(path, "rb") as file:
            return self.put(file.read())

    def delete(self):
        self._request("DELETE")
        return True


class LocalDataFile(DataFile):
    """`file://` names a file of the sandbox itself."""

    def __init__(self, client, uri):
        super(LocalDataFile, self).__init__(client, uri)
        self.path = uri[len("file://"):]

    def exists(self):
        return os.path.isfile(self.path)

    def getBytes(self):
        with open(self.path, "rb") as file:
            return file.read()

    def getFile(self, as_path=False):
        return self.path if as_path else open(self.path)

    def put(self, data):
        with open(self.path, "wb") as file:
            file.write(data.encode("utf-8") if isinstance(data, str) else bytes(data))
        return self

    def putJson(self, data):
        return self.put(json.dumps(data))

    def delete(self):
        os.remove(self.path)
        return True


class DataDirectory(DataObject):
    def exists(self):
        status, headers, body = self.client.request("HEAD", self.url)
        if status == 404:
            return False
        _check(status, headers, body, "HEAD " + self.path)
        return True

    def create(self, acl=None):
        parent, _, name = self.path.rpartition("/")
        content = {"name": name}
        if acl is not None:
            content["acl"] = acl.to_api_param() if hasattr(acl, "to_api_param") else acl
        status, headers, body = self.client.request(
            "POST", _url_of(parent), json.dumps(content).encode("utf-8"), "application/json"
        )
        _check(status, headers, body, "POST " + self.path)

    def delete(self, force=False):
        self._request("DELETE", "?force=true" if force else "")
        return True

    def file(self, name):
        return DataFile(self.client, self.path + "/" + name)

    def dir(self, name):
        return DataDirectory(self.client, self.path + "/" + name)

    def list(self):
        marker = None
        while True:
            query = "" if marker is None else "?marker=" + _quote(marker)
            page = json.loads(self._request("GET", query))
            for folder in page.get("folders", []):
                yield self.dir(folder["name"])
            for file in page.get("files", []):
                yield self.file(file["filename"])
            marker = page.get("marker")
            if not marker:
                return

    def files(self):
        return (item for item in self.list() if item.is_file())

    def dirs(self):
        return (item for item in self.list() if item.is_dir())

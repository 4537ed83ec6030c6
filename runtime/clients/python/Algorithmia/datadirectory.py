"""Folders of the platform's data API, and of the sandbox under the same interface."""
import json
import os

from Algorithmia.acl import Acl
from Algorithmia.data import DataObject, DataObjectType, check, quote, url_of
from Algorithmia.datafile import DataFile, LocalDataFile
from Algorithmia.util import pathJoin


class DataDirectory(DataObject):
    data_object_type = DataObjectType.directory

    def set_attributes(self, response_json):
        pass

    def create(self, acl=None):
        parent, _, name = self.path.rpartition("/")
        content = {"name": name}
        if acl is not None:
            content["acl"] = acl.to_api_param() if hasattr(acl, "to_api_param") else acl
        body = json.dumps(content).encode("utf-8")
        status, headers, answer = self.client.request("POST", url_of(parent), body, "application/json")
        check(status, headers, answer, "POST " + self.path)

    def delete(self, force=False):
        self.request("DELETE", "?force=true" if force else "")
        return True

    def file(self, name, cleanup=True):
        return DataFile(self.client, pathJoin(self.path, name))

    def dir(self, name):
        return DataDirectory(self.client, pathJoin(self.path, name))

    def list(self):
        marker = None
        while True:
            query = "" if marker is None else "?marker=" + quote(marker)
            page = json.loads(self.request("GET", query).decode("utf-8"))
            for folder in page.get("folders", []):
                yield self.dir(folder["name"])
            for entry in page.get("files", []):
                file = self.file(entry["filename"])
                file.set_attributes(entry)
                yield file
            marker = page.get("marker")
            if not marker:
                return

    def files(self):
        return (item for item in self.list() if item.is_file())

    def dirs(self):
        return (item for item in self.list() if item.is_dir())

    def getDir(self):
        """Path of a folder with copies of the files."""
        import tempfile

        folder = tempfile.mkdtemp()
        for file in self.files():
            with open(os.path.join(folder, file.getName()), "wb") as copy:
                copy.write(file.getBytes())
        return folder

    def get_permissions(self):
        """Who may read it; None for collections such as `.session` that have no such list."""
        content = json.loads(self.request("GET", "?acl=true").decode("utf-8"))
        return Acl.from_acl_response(content["acl"]) if "acl" in content else None

    def update_permissions(self, acl):
        self.request("PATCH", "", json.dumps({"acl": acl.to_api_param()}).encode("utf-8"), "application/json")
        return True


class LocalDataDirectory(object):
    """`file://` names a folder of the sandbox itself."""

    def __init__(self, client, dataUrl):
        self.client = client
        self.path = dataUrl[len("file://"):]

    def getName(self):
        return os.path.basename(self.path.rstrip("/"))

    def exists(self):
        return os.path.isdir(self.path)

    def create(self, acl=None):
        os.mkdir(self.path)

    def delete(self, force=False):
        os.rmdir(self.path)
        return True

    def file(self, name):
        return LocalDataFile(self.client, "file://" + pathJoin(self.path, name))

    def dir(self, name):
        return LocalDataDirectory(self.client, "file://" + pathJoin(self.path, name))

    def list(self, *_):
        return iter(os.listdir(self.path))

    def dirs(self, *_):
        return (name for name in self.list() if os.path.isdir(os.path.join(self.path, name)))

    def files(self, *_):
        return (name for name in self.list() if os.path.isfile(os.path.join(self.path, name)))


AdvancedDataDirectory = DataDirectory

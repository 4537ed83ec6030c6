"""Files of the platform's data API, and of the sandbox under the same interface."""
import io
import json
import os

from Algorithmia.data import DataObject, DataObjectType


class DataFile(DataObject):
    """Readable like a file that was opened for bytes, beside the methods of the data API."""

    data_object_type = DataObjectType.file

    def __init__(self, client, dataUrl):
        super(DataFile, self).__init__(client, dataUrl)
        self.last_modified = None
        self.size = None
        self._open = None

    def set_attributes(self, attributes):
        self.last_modified = attributes.get("last_modified")
        self.size = attributes.get("size")

    def getBytes(self):
        return self.request("GET")

    def getString(self):
        return self.getBytes().decode("utf-8")

    def getJson(self):
        return json.loads(self.getString())

    def getNumpy(self):
        import numpy

        return numpy.array(self.getJson())

    def getFile(self, as_path=False):
        """A local copy: an open text file, or its path. It goes when nobody holds either after the request."""
        from Algorithmia.temporary import copies

        path = copies.add(self.getBytes())
        return path if as_path else open(path)

    def getAsPath(self):
        return self.getFile(as_path=True)

    def getAsZip(self):
        """Path of a folder that holds what the archive holds."""
        import tempfile
        import zipfile

        folder = tempfile.mkdtemp()
        with zipfile.ZipFile(io.BytesIO(self.getBytes())) as archive:
            archive.extractall(folder)
        return folder

    def put(self, data):
        body = data.encode("utf-8") if isinstance(data, str) else bytes(data)
        self.request("PUT", body=body, content_type="application/octet-stream")
        return self

    def putJson(self, data):
        self.request("PUT", body=json.dumps(data).encode("utf-8"), content_type="application/json")
        return self

    def putNumpy(self, array):
        return self.putJson(array.tolist())

    def putFile(self, path):
        with open(path, "rb") as file:
            return self.put(file.read())

    def putAsZip(self, path):
        """Puts a file, or a folder with what is in it, as an archive."""
        import zipfile

        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            if os.path.isfile(path):
                archive.write(path, os.path.basename(path))
            for folder, _, names in os.walk(path):
                for name in names:
                    file = os.path.join(folder, name)
                    archive.write(file, os.path.relpath(file, path))
        return self.put(content.getvalue())

    def delete(self):
        self.request("DELETE")
        return True

    def _content(self):
        if self._open is None:
            self._open = io.BytesIO(self.getBytes())
        return self._open

    def read(self, size=-1):
        return self._content().read(size)

    def readline(self, size=-1):
        return self._content().readline(size)

    def readlines(self, hint=-1):
        return self._content().readlines(hint)

    def seek(self, offset, whence=0):
        return self._content().seek(offset, whence)

    def tell(self):
        return self._content().tell()

    def readable(self):
        return True

    def seekable(self):
        return True

    def writable(self):
        return False

    def __iter__(self):
        return iter(self._content())


class LocalDataFile(DataFile):
    """`file://` names a file of the sandbox itself."""

    def __init__(self, client, dataUrl):
        super(LocalDataFile, self).__init__(client, dataUrl)
        self.path = dataUrl[len("file://"):]

    def existsWithError(self):
        return os.path.isfile(self.path), None

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


AdvancedDataFile = DataFile

"""What `load(state)` receives: the algorithm's own values, and the files named in its model manifest."""
import hashlib
import json
import os

from Algorithmia.util import md5_for_file


def _read_manifest():
    for path in ("model_manifest.json.freeze", "model_manifest.json"):
        if os.path.exists(path):
            with open(path) as file:
                manifest = json.load(file)
            if path.endswith(".freeze"):
                _check_lock(manifest)
            # A deployment action writes another schema under the same name; such algorithms read it themselves.
            return manifest if "required_files" in manifest or "optional_files" in manifest else None
    return None


def _check_lock(manifest):
    content = {key: value for key, value in manifest.items() if key != "lock_checksum"}
    if hashlib.md5(str(content).encode("utf-8")).hexdigest() != manifest.get("lock_checksum"):
        raise Exception(
            "Manifest FreezeFile Tamper Detected; please use the CLI and 'algo freeze' to rebuild your "
            "algorithm's freeze file."
        )


class ModelData(object):
    def __init__(self, client):
        self.client = client
        self.user_data = {}
        self.manifest = None
        self.files = {}

    def __getitem__(self, key):
        return self.user_data[key]

    def __setitem__(self, key, value):
        self.user_data[key] = value

    def __contains__(self, key):
        return key in self.user_data

    def data(self):
        return self.user_data

    def available(self):
        return self.manifest is not None

    def initialize(self):
        self.manifest = _read_manifest()
        if self.manifest is None:
            return
        entries = self._entries()
        names = [entry["name"] for entry in entries]
        for name in names:
            if names.count(name) > 1:
                raise Exception("Duplicate 'name' detected. \n%s was found to be used more than once" % name)
        for entry in self.manifest.get("required_files", []):
            self._fetch(entry)

    def get_model(self, name):
        """Local path of a file of the manifest; optional ones are fetched now."""
        if name not in self.files:
            for entry in self._entries():
                if entry["name"] == name:
                    self._fetch(entry)
                    break
            else:
                raise Exception("model name %s not found in manifest" % name)
        return self.files[name]

    def _entries(self):
        manifest = self.manifest or {}
        return manifest.get("required_files", []) + manifest.get("optional_files", [])

    def _fetch(self, entry):
        # Held here, so that it outlives the request in which an optional one is asked for.
        path = self.client.file(entry["source_uri"]).getFile(as_path=True)
        expected = entry.get("md5_checksum")
        if expected is not None:
            real = md5_for_file(path)
            if real != expected and entry.get("fail_on_tamper", False):
                raise Exception(
                    "Model File Mismatch for %s\nexpected hash:  %s\nreal hash: %s" % (entry["name"], expected, real)
                )
        self.files[entry["name"]] = path

"""Drop-in for the vendor's client, as far as algorithms use it; on the standard library alone.

What is not here is looked up in an installed package of the same name.
"""
import os as _os
import sys as _sys

__path__ += [
    _path
    for _path in (_os.path.join(_entry, "Algorithmia") for _entry in _sys.path)
    if _os.path.isdir(_path) and _path not in __path__
]

# Before the functions of the same names: importing a module also sets it as an attribute of its package.
from Algorithmia.client import Client  # noqa: E402
from Algorithmia.errors import AlgorithmException  # noqa: E402
from Algorithmia.handler import Handler  # noqa: E402

apiKey = None
apiAddress = None


def client(api_key=None, api_address=None, ca_cert=None, bearer_token=None):
    """A client of the platform; on the platform neither a key nor an address is needed."""
    return Client(api_key or apiKey, api_address or apiAddress, ca_cert, bearer_token)


def handler(apply_func, load_func=None):
    return Handler(apply_func, load_func)


def algo(algoRef):
    return client().algo(algoRef)


def file(dataUrl):
    return client().file(dataUrl)


def dir(dataUrl):
    return client().dir(dataUrl)


class _Module(type(_sys)):
    @property
    def ADK(self):
        # Not before it is asked for: most algorithms do not, and it costs each of their starts. A class, because
        # Python 3.6 knows no __getattr__ of modules.
        from adk import ADK

        return ADK


_sys.modules[__name__].__class__ = _Module

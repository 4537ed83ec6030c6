"""The Algorithm Development Kit: `ADK(apply, load).init("sample input")` as the last lines of an algorithm."""
import json

import Algorithmia
import millrace_pipe
from adk.modeldata import ModelData


class ADK(object):
    def __init__(self, apply_func, load_func=None, client=None):
        self.apply_func = apply_func
        self.load_func = load_func
        self.apply_least, self.apply_most = millrace_pipe.arity_of(apply_func)
        self.load_takes_state = False
        if load_func is not None:
            least, most = millrace_pipe.arity_of(load_func)
            if least > 1:
                raise Exception(
                    "load function expects 0 parameters or 1 parameter to be used to store algorithm state"
                )
            self.load_takes_state = most >= 1
        self.client = client if client is not None else Algorithmia.client()
        self.is_local = not millrace_pipe.on_platform()
        self.model_data = ModelData(self.client)
        self.load_result = None
        self.load_error = None

    def init(self, local_payload=None, pprint=print, mlops=False):
        """Loads, then serves requests on the platform; elsewhere applies to `local_payload` once and prints the answer."""
        if mlops:
            raise NotImplementedError("init(mlops=True) needs the MLOps agent, which is not part of this platform.")
        self._load()
        if not self.is_local:
            millrace_pipe.serve(self._apply)
        elif self.load_error is not None:
            raise self.load_error
        elif local_payload is not None:
            print("loading complete")
            pprint(json.loads(millrace_pipe.answer_of(self._apply(local_payload))))

    def _load(self):
        try:
            self.model_data.initialize()
            if self.load_func is not None:
                self.load_result = self.load_func(self.model_data) if self.load_takes_state else self.load_func()
        except Exception as error:
            if not isinstance(getattr(error, "error_type", None), str):
                error.error_type = "LoadingError"
            self.load_error = error

    def _apply(self, payload):
        if self.load_error is not None:
            raise self.load_error
        # Not by truth: an empty dictionary is a state too, and arrays have no truth.
        if self.load_result is not None and self.apply_most >= 2:
            return self.apply_func(payload, self.load_result)
        # A load that filled the state and forgot to return it, or that returned nothing at all.
        if self.apply_least >= 2 and self.load_func is not None:
            return self.apply_func(payload, self.model_data if self.load_takes_state else None)
        return self.apply_func(payload)

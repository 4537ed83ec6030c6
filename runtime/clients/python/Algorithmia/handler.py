"""`Algorithmia.handler(apply, load).serve()`, the form of the oldest and of conda algorithms."""
import millrace_pipe


class Handler(object):
    def __init__(self, apply_func, load_func=None):
        import inspect

        self.apply_func = apply_func
        self.load_func = load_func
        if len(inspect.getfullargspec(apply_func).args) not in (1, 2):
            raise Exception("apply function may have between 1 and 2 parameters")
        if load_func is not None and inspect.getfullargspec(load_func).args:
            raise Exception("load function must not have parameters")

    def serve(self):
        # Before the handshake, so that a failing load is a load failure with its traceback.
        state = self.load_func() if self.load_func is not None else None
        if state is None:
            millrace_pipe.serve(self.apply_func)
        else:
            millrace_pipe.serve(lambda value: self.apply_func(value, state))

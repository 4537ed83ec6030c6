"""`Algorithmia.handler(apply, load).serve()`, the form of the oldest and of conda algorithms."""
import millrace_pipe


class Handler(object):
    def __init__(self, apply_func, load_func=None):
        self.apply_func = apply_func
        self.load_func = load_func
        least, most = millrace_pipe.arity_of(apply_func)
        if least > 2 or most < 1:
            raise Exception("apply function may have between 1 and 2 parameters, not %d" % least)
        if load_func is not None and millrace_pipe.arity_of(load_func)[0] > 0:
            raise Exception("load function must not have parameters")

    def serve(self):
        # Before the handshake, so that a failing load is a load failure with its traceback.
        state = self.load_func() if self.load_func is not None else None
        if state is None:
            millrace_pipe.serve(self.apply_func)
        else:
            millrace_pipe.serve(lambda value: self.apply_func(value, state))

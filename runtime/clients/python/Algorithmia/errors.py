"""Exceptions of the client, and the one that algorithms raise."""

ERROR_TYPES = frozenset(
    [
        "AlgorithmError",
        "InputError",
        "UnsupportedError",
        "InitializationError",
        "OutOfMemoryError",
        "OutOfGpuMemoryError",
        "LanguageError",
        "TooLargeError",
        "ParsingError",
        "EntityNotFoundError",
        "ThirdPartyCredentialError",
        "TimeoutError",
        "PaymentRequiredError",
    ]
)


class ApiError(Exception):
    pass


class ApiInternalError(ApiError):
    pass


class DataApiError(ApiError):
    pass


class AlgorithmException(ApiError):
    """(message, error_type) until January 2021, (message, stack_trace, error_type) since: both are understood."""

    def __init__(self, message, stack_trace=None, error_type=None):
        if error_type is None and stack_trace in ERROR_TYPES:
            stack_trace, error_type = None, stack_trace
        self.message = message
        self.stack_trace = stack_trace
        self.error_type = error_type
        super(AlgorithmException, self).__init__(message)

    def __str__(self):
        if self.stack_trace is not None:
            return repr(str(self.message) + "\n" + str(self.stack_trace))
        return repr(self.message)


def raiseAlgoApiError(result):
    """Raises what the `error` object of an answer says."""
    error = result.get("error", {})
    raised = AlgorithmException(
        message=error.get("message", "Unknown error"),
        stack_trace=error.get("stacktrace"),
        error_type=error.get("error_type"),
    )
    # Passed on by every algorithm of a chain, it is not to be quoted once more by each.
    raised.passed_on = True
    raise raised


def raiseDataApiError(message):
    raise DataApiError(message)

"""How the stand-in refuses."""


class ApiError(Exception):
    """An answer of API 3.0: status 200, and an Error."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code, message)
        self.code, self.message = code, message or code


class CosError(Exception):
    """An answer of COS: a status, and an XML error."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(status, code, message)
        self.status, self.code, self.message = status, code, message or code

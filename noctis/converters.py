"""Path parts: an id never holds a colon, so that `/clients/<id>:disable` is a path of its own."""


class Id:
    regex = r"[^/:]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value

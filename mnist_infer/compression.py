"""Which compressions a Content-Encoding names, of an image's host or of a request: none of them is undone here."""

_COMPRESSIONS = {"br", "compress", "dcb", "dcz", "deflate", "gzip", "x-compress", "x-gzip", "zstd"}


def compressions(content_encoding: str) -> list[str]:
    """Return the compressions in the value of a `Content-Encoding` header, in lower case.

    Whatever else stands there leaves the bytes as they are: nothing, `identity`, and what storages and editors write by
    mistake, such as `aws-chunked` and `utf-8`. Browsers pass over it, too.

    Source:
        IANA's registry of HTTP content codings, but for those of Java archives and of XML; RFC 9110, 8.4.1.
    """
    return [name for part in content_encoding.split(",") if (name := part.strip().lower()) in _COMPRESSIONS]

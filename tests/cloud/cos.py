"""Cloud Object Storage: buckets, objects, multipart uploads."""

import base64
import hashlib
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import crcmod

from tests.cloud.errors import CosError
from tests.cloud.signatures import Request

APPID = "1250000000"
MIN_PART_BYTES = 2**20
crc64: Callable[[bytes], int] = crcmod.mkCrcFun(0x142F0E1EBA9EA3693, initCrc=0, xorOut=2**64 - 1, rev=True)


class Answer(NamedTuple):
    """What COS answers; a body of None is 204."""

    headers: Mapping[str, str] = {}
    body: bytes | None = b""


@dataclass
class Bucket:
    """Where it is, its tags, its objects by name, and the parts of unfinished uploads by id."""

    region: str
    tags: dict[str, str]
    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, tuple[str, dict[int, bytes]]] = field(default_factory=dict)


class Cos:
    """Buckets by their whole names.

    Attributes:
        damage: of the name and content of an object, what is stored in its place.
    """

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.damage: Callable[[bytes], bytes] = lambda content: content

    def handle(self, request: Request) -> Answer:
        """Answer a request.

        Raises:
            CosError: it is refused.
        """
        match = re.fullmatch(rf"([a-z0-9-]+-{APPID})\.cos\.([a-z0-9-]+)\.myqcloud\.com", request.headers["host"])
        if not match:
            raise CosError(400, "InvalidURI", request.headers["host"])
        name, region = match.groups()
        key = unquote(request.path)[1:]
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        if not key and request.method == "PUT":
            return self._create(name, region, request.headers)
        bucket = self.buckets.get(name)
        if not bucket or bucket.region != region:
            raise CosError(404, "NoSuchBucket", "The specified bucket does not exist.")
        digest = request.headers.get("content-md5")
        if digest and base64.b64encode(hashlib.md5(request.body).digest()).decode() != digest:
            raise CosError(400, "BadDigest")
        if not key:
            return self._bucket(name, bucket, request.method, query)
        if "uploads" in query or "uploadId" in query:
            return self._upload(bucket, key, request, query)
        return self._object(bucket, key, request)

    def _create(self, name: str, region: str, headers: Mapping[str, str]) -> Answer:
        if name in self.buckets:
            raise CosError(409, "BucketAlreadyOwnedByYou")
        self.buckets[name] = Bucket(region, dict(parse_qsl(headers.get("x-cos-tagging", ""))))
        return Answer()

    def _bucket(self, name: str, bucket: Bucket, method: str, query: Mapping[str, str]) -> Answer:
        if method == "HEAD":
            return Answer({"x-cos-bucket-region": bucket.region})
        if method == "DELETE":
            if bucket.objects or bucket.uploads:
                raise CosError(409, "BucketNotEmpty")
            del self.buckets[name]
            return Answer(body=None)
        if "tagging" in query:
            if not bucket.tags:
                raise CosError(404, "NoSuchTagSetError")
            tags = "".join(f"<Tag><Key>{key}</Key><Value>{value}</Value></Tag>" for key, value in bucket.tags.items())
            return Answer(body=xml("Tagging", f"<TagSet>{tags}</TagSet>"))
        prefix = query.get("prefix", "")
        if "uploads" in query:
            found = [(key, upload) for upload, (key, _) in bucket.uploads.items() if key.startswith(prefix)]
            items = "".join(f"<Upload><Key>{escape(k)}</Key><UploadId>{u}</UploadId></Upload>" for k, u in found)
            return Answer(body=xml("ListMultipartUploadsResult", f"<IsTruncated>false</IsTruncated>{items}"))
        keys = sorted(key for key in bucket.objects if key.startswith(prefix) and key > query.get("marker", ""))
        size = int(query.get("max-keys", 1000))
        items = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in keys[:size])
        is_truncated = len(keys) > size
        more = f"<NextMarker>{escape(keys[size - 1])}</NextMarker>" if is_truncated else ""
        return Answer(
            body=xml("ListBucketResult", f"<IsTruncated>{str(is_truncated).lower()}</IsTruncated>{more}{items}")
        )

    def _object(self, bucket: Bucket, key: str, request: Request) -> Answer:
        if request.method == "PUT":
            return Answer(self._store(bucket, key, request.body, f'"{md5(request.body)}"'))
        if request.method == "DELETE":
            bucket.objects.pop(key, None)
            return Answer(body=None)
        if key not in bucket.objects:
            raise CosError(404, "NoSuchKey", "The specified key does not exist.")
        content = bucket.objects[key]
        return Answer({"ETag": '"etag"', "x-cos-hash-crc64ecma": str(crc64(content))}, content)

    def _store(self, bucket: Bucket, key: str, content: bytes, tag: str) -> dict[str, str]:
        bucket.objects[key] = self.damage(content)
        return {"ETag": tag, "x-cos-hash-crc64ecma": str(crc64(bucket.objects[key]))}

    def _upload(self, bucket: Bucket, key: str, request: Request, query: Mapping[str, str]) -> Answer:
        if "uploads" in query:
            upload = uuid.uuid4().hex
            bucket.uploads[upload] = (key, {})
            return Answer(body=xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>"))
        name, parts = bucket.uploads.get(query["uploadId"], ("", {}))
        if name != key:
            raise CosError(404, "NoSuchUpload", "The specified multipart upload does not exist.")
        if request.method == "PUT":
            parts[int(query["partNumber"])] = request.body
            crc = str(crc64(request.body))
            return Answer({"ETag": f'"{md5(request.body)}"', "x-cos-hash-crc64ecma": crc})
        if request.method == "DELETE":
            del bucket.uploads[query["uploadId"]]
            return Answer(body=None)
        if request.method == "GET":
            items = "".join(
                f"<Part><PartNumber>{number}</PartNumber><ETag>&quot;{md5(part)}&quot;</ETag><Size>{len(part)}</Size></Part>"
                for number, part in sorted(parts.items())
            )
            return Answer(body=xml("ListPartsResult", f"<IsTruncated>false</IsTruncated>{items}"))
        content, tag = _join(parts, request.body)
        del bucket.uploads[query["uploadId"]]
        headers = self._store(bucket, key, content, tag)
        etag = escape(tag, {'"': "&quot;"})
        body = f"<Location>{quote(key)}</Location><Key>{escape(key)}</Key><ETag>{etag}</ETag>"
        return Answer(headers, xml("CompleteMultipartUploadResult", body))


def _join(parts: Mapping[int, bytes], body: bytes) -> tuple[bytes, str]:
    named = [
        (int(part.findtext("PartNumber", "0")), part.findtext("ETag", "").strip('"'))
        for part in ElementTree.fromstring(body)
    ]
    numbers = [number for number, _ in named]
    if numbers != sorted(set(numbers)):
        raise CosError(400, "InvalidPartOrder")
    if not named or any(number not in parts or tag != md5(parts[number]) for number, tag in named):
        raise CosError(400, "InvalidPart")
    if any(len(parts[number]) < MIN_PART_BYTES for number in numbers[:-1]):
        raise CosError(400, "EntityTooSmall")
    digests = b"".join(hashlib.md5(parts[number]).digest() for number in numbers)
    return b"".join(parts[number] for number in numbers), f'"{md5(digests)}-{len(numbers)}"'


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def xml(root: str, inner: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><{root}>{inner}</{root}>'.encode()

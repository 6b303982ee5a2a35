"""The bucket of the zips, through the official library of Cloud Object Storage."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import crcmod
from qcloud_cos import CosClientError, CosConfig, CosS3Client, CosServiceError

from deploy.credentials import Credential
from deploy.errors import ApiError, DeployError, NetworkError
from deploy.terminal import Progress

PART_MB = 10
THREADS = 4
RETRIES = 3
"""Of a request that broke off or that the server failed at; the library waits 1, 2, 3 s before them."""

OWN_TAG = ("made-by", "mnist-infer-deploy")
"""Given to a bucket as it is made: only such a one is ever deleted."""


class Storage:
    """One bucket.

    Attributes:
        bucket: its whole name, with the account's number.
    """

    def __init__(
        self, credential: Credential, region: str, bucket: str, endpoint: str | None = None, dry_run: bool = False
    ) -> None:
        self.bucket = bucket
        self.dry_run = dry_run
        at = urlsplit(endpoint or "https:")
        config = CosConfig(
            Region=region,
            SecretId=credential.secret_id,
            SecretKey=credential.secret_key,
            Token=credential.token,
            Scheme=at.scheme,
            IP=at.hostname,
            Port=at.port,
        )
        self._client = CosS3Client(config, retry=RETRIES)

    def exists(self) -> bool:
        """Return whether the bucket is there."""
        with _requesting("cos:HeadBucket"):
            return _unless_404(self._client.head_bucket, Bucket=self.bucket) is not None

    def create(self) -> None:
        """Make the bucket, private and tagged as made here."""
        if self._prints(f"PUT {self.bucket}/ x-cos-tagging: {'='.join(OWN_TAG)}"):
            return
        with _requesting("cos:PutBucket"):
            self._client.create_bucket(Bucket=self.bucket, Tagging="=".join(OWN_TAG))

    def is_own(self) -> bool:
        """Return whether the bucket was made here."""
        with _requesting("cos:GetBucketTagging"):
            tagging = _unless_404(self._client.get_bucket_tagging, Bucket=self.bucket)
        return any(
            (tag["Key"], tag["Value"]) == OWN_TAG for tag in (tagging or {"TagSet": {"Tag": []}})["TagSet"]["Tag"]
        )

    def has(self, key: str, file: Path) -> bool:
        """Return whether an object is there and has the file's CRC-64."""
        with _requesting("cos:HeadObject"):
            headers = _unless_404(self._client.head_object, Bucket=self.bucket, Key=key)
        return headers is not None and headers.get("x-cos-hash-crc64ecma") == crc64(file)

    def upload(self, key: str, file: Path) -> None:
        """Upload a file in parts, going on with what an earlier try has sent.

        Raises:
            DeployError: the parts did not arrive, or not as they were sent.
        """
        if self._prints(f"PUT {self.bucket}/{key} in parts of {PART_MB} MB, {file.stat().st_size} bytes"):
            return
        with _requesting("cos:UploadPart"), Progress(file.stat().st_size, PART_MB * 2**20) as progress:
            self._client.upload_file(
                Bucket=self.bucket,
                Key=key,
                LocalFilePath=str(file),
                PartSize=PART_MB,
                MAXThread=THREADS,
                EnableMD5=True,
                progress_callback=progress.show,
            )
        if not self.has(key, file):
            self.delete(key)
            raise DeployError("The zip did not arrive as it was sent (its CRC-64 differs): run the command again.")

    def keys(self, prefix: str) -> list[str]:
        """Return the objects whose names begin so."""
        keys: list[str] = []
        marker = ""
        while True:
            with _requesting("cos:GetBucket"):
                page = self._client.list_objects(Bucket=self.bucket, Prefix=prefix, Marker=marker)
            keys += [entry["Key"] for entry in page.get("Contents", [])]
            if page["IsTruncated"] != "true":
                return keys
            marker = page.get("NextMarker") or keys[-1]

    def delete(self, key: str) -> None:
        """Delete an object; one that is not there counts as deleted."""
        if not self._prints(f"DELETE {self.bucket}/{key}"):
            with _requesting("cos:DeleteObject"):
                self._client.delete_object(Bucket=self.bucket, Key=key)

    def uploads(self, prefix: str) -> list[tuple[str, str]]:
        """Return the names and ids of the uploads that were never finished."""
        with _requesting("cos:ListMultipartUploads"):
            found = self._client.list_multipart_uploads(Bucket=self.bucket, Prefix=prefix)
        return [(upload["Key"], upload["UploadId"]) for upload in found.get("Upload", [])]

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Throw away the parts of an upload."""
        if not self._prints(f"DELETE {self.bucket}/{key}?uploadId={upload_id}"):
            with _requesting("cos:AbortMultipartUpload"):
                self._client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload_id)

    def delete_bucket(self) -> None:
        """Delete the bucket, which must be empty."""
        if not self._prints(f"DELETE {self.bucket}/"):
            with _requesting("cos:DeleteBucket"):
                self._client.delete_bucket(Bucket=self.bucket)

    def _prints(self, request: str) -> bool:
        if self.dry_run:
            print(f"cos {request}")
        return self.dry_run


def crc64(file: Path) -> str:
    """Return a file's CRC-64/ECMA-182 as COS writes it, in decimal digits."""
    crc = crcmod.mkCrcFun(0x142F0E1EBA9EA3693, initCrc=0, xorOut=2**64 - 1, rev=True)
    return str(crc(file.read_bytes()))


def _unless_404(request: Callable[..., Any], **names: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = request(**names) or {}
    except CosServiceError as error:
        if error.get_status_code() != 404:
            raise
        return None
    return found


@contextmanager
def _requesting(action: str) -> Iterator[None]:
    """Turn the library's errors into ours; `action` is what the permission for the request is called."""
    try:
        yield
    except CosServiceError as error:
        digest = error.get_digest_msg()  # to HEAD there is no text, and this may be the headers
        found = digest.get("code") if hasattr(digest, "get") else None
        code = found or ("AccessDenied" if error.get_status_code() == 403 else str(error.get_status_code()))
        raise ApiError(action, code, (digest.get("message") if found else None) or "") from error
    except CosClientError as error:
        reason = f"{action} had no answer: {error}"
        if "upload_part" in str(error):  # for a part that was refused the library says the same
            advice = f"Run the command again. If that does not help, the key may lack the permission {action}."
            raise NetworkError(reason, advice) from error
        raise NetworkError(reason) from error

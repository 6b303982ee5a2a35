"""Taking everything away again."""

from collections.abc import Iterator
from functools import partial

from deploy.function import Function, Url
from deploy.storage import Storage
from deploy.terminal import Step


def destroy_steps(function: Function, storage: Storage) -> Iterator[Step]:
    """Return what there is to delete, in the order in which it has to be.

    The bucket goes with it only if it was made here and has nothing else in it.
    """
    found = function.wait()
    if found:
        now = function.name
        if found["Status"] != "CreateFailed":
            triggers = function.triggers()
            urls = [trigger for trigger in triggers if isinstance(trigger, Url)]
            for url in urls:
                yield Step(f"URL of {url.qualifier}", url.address, "deleted", partial(function.delete_url, url))
            others = f", other triggers: {len(triggers) - len(urls)}" if len(triggers) > len(urls) else ""
            now += f", versions: {len(function.versions())}{others}"
        yield Step("function", now, "deleted", function.delete)
    if not storage.exists():
        return
    folder = f"{function.name}/"
    keys = storage.keys("")
    own_keys = [key for key in keys if key.startswith(folder)]
    for key in own_keys:
        yield Step("zip", f"{storage.bucket}/{key}", "deleted", partial(storage.delete, key))
    for key, upload_id in storage.uploads(folder):
        abort = partial(storage.abort_upload, key, upload_id)
        yield Step("unfinished upload", f"{storage.bucket}/{key}", "deleted", abort)
    if own_keys == keys and storage.is_own():
        yield Step("bucket", storage.bucket, "deleted", storage.delete_bucket)

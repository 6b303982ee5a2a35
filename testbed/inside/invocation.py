"""Inside the sandbox: one fresh process that loads handler.py as the platform does, and answers.

    python invocation.py REPEATS ENTRY EVENT.json [ENTRY EVENT.json …]

Prints one line of JSON behind the function's own: the answers, what the process cost up to the
first of them, and the warm latency of as many repeats of the first event. Standard library only.
"""

import json
import logging
import resource
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

logging.basicConfig(stream=sys.stdout, level=logging.DEBUG)
spec = spec_from_file_location("", "/var/user/handler.py")
assert spec
assert spec.loader
handler = module_from_spec(spec)
spec.loader.exec_module(handler)

repeats, *calls = sys.argv[1:]
events = [json.loads(Path(path).read_text(encoding="utf-8")) for path in calls[1::2]]
requests = list(zip([getattr(handler, entry) for entry in calls[::2]], events, strict=True))

answers = [requests[0][0](requests[0][1], {"request_id": "first"})]
figures: dict[str, object] = {"cpu_s": time.process_time(), "answered_at": time.monotonic()}
counters = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
figures["read_mb"] = int(counters["read_bytes"]) / 1e6

answers += [entry(event, {"request_id": "next"}) for entry, event in requests[1:]]
figures["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

latencies = []
for _ in range(int(repeats)):
    started = time.perf_counter()
    requests[0][0](requests[0][1], {"request_id": "warm"})
    latencies.append((time.perf_counter() - started) * 1000)
if latencies:
    figures["warm_p50_ms"] = sorted(latencies)[len(latencies) // 2]
figures["written"] = [str(path) for path in Path("/tmp").rglob("*")]
print(json.dumps({"answers": answers, **figures}))

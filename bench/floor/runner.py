import json
import os
import sys

print("PIPE_INIT_COMPLETE", flush=True)
out = os.open(os.environ["OUT"], os.O_WRONLY)
for line in sys.stdin:
    request = json.loads(line)
    answer = {"result": request["data"], "metadata": {"content_type": request["content_type"]}}
    os.write(out, (json.dumps(answer) + "\n").encode())

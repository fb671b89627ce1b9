"""CarbonFluxBench on a server on this computer, described as Hugging Face describes it."""

import hashlib
import json

from tamrl.towers.fetch_carbonfluxbench import DATASET, FILES

SHA = "0123456789abcdef0123456789abcdef01234567"
API = f"/api/datasets/{DATASET}"


def publish(server, folder="", without=(), licence="mit"):
    """Put the files on the server, as Hugging Face describes them: large ones by Git LFS, small ones in git."""
    siblings = []
    for name in FILES:
        if name in without:
            continue
        body = (name * 5000).encode() if name.endswith(".parquet") else f'{{"of": "{name}"}}'.encode()
        server.bodies[f"/datasets/{DATASET}/resolve/{SHA}/{folder}{name}"] = body
        listed = {"rfilename": folder + name, "size": len(body)}
        if name.endswith(".parquet"):
            listed["blobId"] = "0" * 40
            listed["lfs"] = {"size": len(body), "sha256": hashlib.sha256(body).hexdigest(), "pointerSize": 134}
        else:
            listed["blobId"] = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
        siblings.append(listed)
    told = {"id": DATASET, "sha": SHA, "siblings": siblings, "cardData": {"license": licence} if licence else {}}
    server.bodies[API] = json.dumps(told).encode()
    server.types[API] = "application/json"

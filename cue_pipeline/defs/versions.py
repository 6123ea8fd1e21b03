"""Code versions as Dagster is told them.

Dagster calls an asset stale for its own code version, or for new data upstream; what stands on a
stale asset it calls fresh until that is made again. The ledger looks ahead: its expected data
version is stale at once all the way down. Told versions that hold those upstream too, the UI says
what ``cue-pipeline status`` says, and one backfill of all that is stale does the whole.
"""

import hashlib
from collections.abc import Mapping

from cue_pipeline.defs import graph


def told_versions(versions: Mapping[str, str]) -> dict[str, str]:
    """Return each asset's code version with a digest of those of all that it stands on.

    Parameters
    ----------
    versions : mapping of str to str
        Code versions by asset, as :func:`cue_pipeline.defs.graph.code_versions` gives them.
    """
    told: dict[str, str] = {}
    for asset in graph.GRAPH:
        upstream = sorted(graph.upstream_of(asset))
        text = "\n".join(f"{up} {versions[up]}" for up in upstream)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        told[asset] = f"{versions[asset]}@{digest}" if upstream else versions[asset]
    return told

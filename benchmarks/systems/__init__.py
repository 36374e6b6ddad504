"""The systems that `benchmarks/peers.py` compares."""

from systems.corpus import Corpus, count_tokens, read_lines, write_lines
from systems.joey_nmt import JoeyNMT
from systems.marian import Marian
from systems.opennmt_py import OpenNMTPy
from systems.opennmt_tf import OpenNMTTF
from systems.system import System
from systems.this_package import (
    ThisPackage,
    ThisPackageBfloat16,
    ThisPackageNarrow,
    ThisPackageNarrowBfloat16,
)

SYSTEMS = {
    system.environment: system
    for system in (
        ThisPackage,
        ThisPackageBfloat16,
        OpenNMTTF,
        ThisPackageNarrow,
        ThisPackageNarrowBfloat16,
        OpenNMTPy,
        JoeyNMT,
        Marian,
    )
}

__all__ = ["SYSTEMS", "Corpus", "System", "count_tokens", "read_lines", "write_lines"]

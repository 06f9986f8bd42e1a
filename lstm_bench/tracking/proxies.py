"""Proxies of the environment: none is asked for this machine, and one in the way is named."""

from __future__ import annotations

import ipaddress
import os
from urllib.request import getproxies, proxy_bypass

from lstm_bench.tracking.credentials import parsed, without_credentials


def spare_loopback(uri: str) -> None:
    """Have this process ask for an address of this machine itself, where the shell has a proxy.

    MLflow's client (requests) and urllib read the same variable.
    """
    host = parsed(uri).hostname or ""
    spared = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if _is_loopback(host) and host not in spared.split(","):
        os.environ["no_proxy"] = ",".join(filter(None, (spared, host)))


def proxy_of(uri: str) -> str:
    """The proxy that is asked for this address, as it may be printed; empty where none is."""
    parts, known = parsed(uri), getproxies()
    if parts.scheme not in ("http", "https") or proxy_bypass(parts.hostname or ""):
        return ""
    return without_credentials(known.get(parts.scheme) or known.get("all") or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")

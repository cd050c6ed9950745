"""Everything that is checked against other people's software; writes build/interop.json.

    python3 host_tests/interop/run.py [PYTEST OPTIONS]

{"checks": n, "passed": n, "by_tool": {tool: {"checks": n, "passed": n}}}; exit 1 when one did not
pass. A tool that is missing is told with its apt line, and its checks count as not passed.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
HERE = "host_tests/interop"
OUT = ROOT / "build" / "interop.json"
# Checks against others that have their place elsewhere.
ALSO = ("host_tests/tools/test_vectors.py", "host_tests/signing/test_c14n_lxml.py")
TOOLS = (
    ("c14n_lxml", "lxml, xmlsec1, signxml"),
    ("xmlsig", "xmlsec1, signxml"),
    ("xmlenc", "xmlsec1"),
    ("kannel", "kannel"),
    ("dmtool", "kannel"),
    ("gsmmodem", "python-gsmmodem-new"),
    ("gammu", "gammu"),
    ("tshark", "tshark"),
)


def tool_of(name: str) -> str:
    """The other side of a check, from the name of its file."""
    for word, tool in TOOLS:
        if word in name:
            return tool
    return "libwbxml"


def main(options: list[str]) -> int:
    report = ROOT / "build" / "interop.xml"
    report.parent.mkdir(exist_ok=True)
    files = [HERE, *(name for name in ALSO if (ROOT / name).is_file())]
    command = [sys.executable, "-m", "pytest", *files, f"--junitxml={report}", "-rs", *options]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "OMADM_INTEROP": "1"})
    by_tool: dict[str, dict[str, int]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        tool = by_tool.setdefault(tool_of(case.get("classname", "")), {"checks": 0, "passed": 0})
        tool["checks"] += 1
        tool["passed"] += not any(case.find(way) is not None for way in ("failure", "error", "skipped"))
    report.unlink()
    checks = sum(tool["checks"] for tool in by_tool.values())
    passed = sum(tool["passed"] for tool in by_tool.values())
    OUT.write_text(json.dumps({"checks": checks, "passed": passed, "by_tool": by_tool}, indent=1) + "\n")
    for name, tool in sorted(by_tool.items()):
        print(f"{name:10} {tool['passed']} of {tool['checks']} passed")
    return 0 if checks and checks == passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

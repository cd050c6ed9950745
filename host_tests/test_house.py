"""The house rules that a machine can check: ranks, imports, error codes, style of device code.

RANK is the map of lib/omadm: a module imports only from lower ranks. A new module gets its
line there.
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from dmtool.reasons import REASONS, STATUSES

LIB = ROOT / "lib" / "omadm"
DEVICE = sorted(LIB.glob("*.py"))
FIRMWARE = sorted((ROOT / "firmware").rglob("*.py"))
TOOLS = sorted((ROOT / "tools").rglob("*.py"))

RANK = {
    "__init__": 0, "errors": 0, "limits": 0,
    "wbxml": 1, "uri": 1, "spool": 1, "sectors": 1, "sms": 1, "wsp": 1, "reassembly": 1,
    "parts": 1, "grammar": 1,
    "usual": 2, "codepages": 2, "tndsxml": 2, "acl": 2, "pagelog": 2, "push": 2,
    "pubkey": 2, "c14n": 2,
    "store": 3, "auth": 3, "commands": 3, "tree": 3, "journal": 3, "tnds": 3,
    "transaction": 4, "revoke": 4, "xmlenc": 4, "signature": 4, "subtree": 4, "inbox": 4, "virtual": 4,
    "objects": 5, "local": 5,
    "executor": 6,
    "client": 7,
}  # fmt: skip

# What device code may import beside itself. lib/ takes nothing that only a board has.
# dmcrypto is our own (firmware/native), looked for and not needed.
LIB_IMPORTS = {"struct", "hashlib", "binascii", "cryptolib", "dmcrypto", "micropython", "array"}
FIRMWARE_IMPORTS = LIB_IMPORTS | {
    "asyncio", "gc", "io", "json", "os", "select", "socket", "sys", "time", "vfs",
    "machine", "rp2", "esp32", "network",
    "microdot", "omadm", "device",
} | {path.stem for path in (ROOT / "firmware").glob("*.py")} | {"board"}  # fmt: skip

# Modules of a chip, not of MicroPython.
PORTS_ONLY = {"machine", "rp2", "esp32", "network"}

# The operator's side that stands against lib/ in tests shares no code with it. These
# may use it: they read and write a device's flash image.
TOOLS_ON_LIB = {"image.py"}

CODED = ("Malformed", "TooLarge", "NotAuthentic", "StorageFailed")
CODES_OF = {
    "wbxml": [range(1, 30)],
    "commands": [range(30, 60)], "parts": [range(30, 60)],
    "grammar": [range(30, 60)],
    "auth": [range(60, 80), range(95, 100)],
    "push": [range(80, 90)], "spool": [range(90, 95)], "client": [range(95, 100)],
    "sectors": [range(100, 120)], "pagelog": [range(100, 120)], "store": [range(100, 120)],
    "transaction": [range(100, 120)],
    "c14n": [range(160, 180)], "pubkey": [range(160, 180)], "signature": [range(160, 180)],
    "sms": [range(120, 140)], "wsp": [range(140, 160)],
}  # fmt: skip
LONGEST = 350


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (package, module) of each import, wherever it stands; package "" for our own folder."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split(".")[0], alias.name
        elif isinstance(node, ast.ImportFrom):
            if node.level and node.module:
                yield "", node.module
            elif node.level:
                for alias in node.names:
                    yield "", alias.name
            else:
                assert node.module
                yield node.module.split(".")[0], node.module


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


@pytest.mark.parametrize("path", DEVICE, ids=lambda path: path.stem)
def test_ranks(path: Path) -> None:
    assert path.stem in RANK, f"{path.name} has no rank: give it one in RANK"
    for package, module in imports(path):
        if package in ("", "omadm"):
            other = module.removeprefix("omadm.").split(".")[0]
            assert RANK[other] < RANK[path.stem], f"{path.stem} (rank {RANK[path.stem]}) imports {other}"
        else:
            assert package in LIB_IMPORTS, f"{path.name} imports {module}, which lib/ may not"


@pytest.mark.parametrize("path", FIRMWARE, ids=lambda path: str(path.relative_to(ROOT / "firmware")))
def test_firmware_imports(path: Path) -> None:
    for package, module in imports(path):
        assert not package or package in FIRMWARE_IMPORTS, f"{path.name} imports {module}"


def test_what_only_a_port_has_is_called_in_device() -> None:
    """docs/porting.md lists these calls one by one, so they have one place; app.py is the application's."""
    boards = sorted((ROOT / "boards").rglob("*.py"))
    for path in DEVICE + FIRMWARE + boards:
        found = {package for package, _ in imports(path)} & PORTS_ONLY
        allowed = path.parent.name == "device" or path.name in ("app.py", "_boot.py")
        assert not found or allowed, (
            f"{path.relative_to(ROOT)} imports {found}: firmware/device/ is the place"
        )


def test_tools_share_no_code_with_lib() -> None:
    for path in sorted((ROOT / "tools" / "dmtool").rglob("*.py")):
        text = path.read_text()
        uses = any(package in ("omadm", "importlib") for package, _ in imports(path)) or "__import__" in text
        assert not uses or path.name in TOOLS_ON_LIB, f"{path.name} imports omadm or importlib"


@pytest.mark.parametrize("path", DEVICE + FIRMWARE, ids=lambda path: path.stem)
def test_style_of_device_code(path: Path) -> None:
    assert path.read_text().startswith(("#", '"""')), f"{path.name} has no head comment"
    for node in ast.walk(tree_of(path)):
        here = where(path, node)
        assert not isinstance(node, ast.Assert), f"{here}: assert in device code"
        assert not (isinstance(node, ast.ExceptHandler) and node.type is None), f"{here}: bare except"
        if path in DEVICE:
            assert not isinstance(node, ast.JoinedStr), f"{here}: f-string allocates"
            formats = isinstance(node, ast.Attribute) and node.attr == "format"
            constant = formats and isinstance(node.value, (ast.Constant, ast.JoinedStr))
            assert not constant, f"{here}: str.format allocates"


@pytest.mark.parametrize("path", DEVICE, ids=lambda path: path.stem)
def test_nothing_runs_at_import(path: Path) -> None:
    """A module of lib/ defines and does no more; const() and the decorators are the compiler's."""
    for node in tree_of(path).body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            for call in ast.walk(node.value):
                if isinstance(call, ast.Call):
                    called = ast.unparse(call.func)
                    assert called == "const", f"{where(path, call)}: {called}() runs at import"
                assert not isinstance(call, ast.Dict), f"{where(path, call)}: a dict lies in RAM"
        else:
            text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            plain = isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef))
            assert plain or text, f"{where(path, node)}: this runs at import"


@pytest.mark.parametrize("path", DEVICE + FIRMWARE + TOOLS, ids=lambda path: str(path.relative_to(ROOT)))
def test_length(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= LONGEST, f"{path.relative_to(ROOT)} has {lines} lines; it usually holds two duties"


def constants(tree: ast.Module) -> dict[str, int]:
    """Return the int of each NAME = const(int) of a module."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and node.value.args:
            name, value = node.targets[0], node.value.args[0]
            if (
                isinstance(name, ast.Name)
                and isinstance(value, ast.Constant)
                and isinstance(value.value, int)
            ):
                found[name.id] = value.value
    return found


def gives_code(function: ast.FunctionDef) -> bool:
    """Return whether its parameter `code` is raised, or kept under that name."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and ast.unparse(node) in [f"{name}(code)" for name in CODED]:
            return True
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == "code":
            return any(isinstance(target, ast.Attribute) and target.attr == "code" for target in node.targets)
    return False


def coded(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield every expression that gives a reason code.

    It is the argument of one of the four exceptions, or of a parameter called `code` of a
    function of the same module that raises it or keeps it as an attribute `code`, or what
    such an attribute is set to.
    """
    place = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [argument.arg for argument in node.args.args]
            if "code" in names and gives_code(node):
                place[node.name] = names.index("code") - (names[0] == "self")
                yield from node.args.defaults[len(node.args.defaults) - len(names) + names.index("code") :][
                    :1
                ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in CODED and node.args:
                yield node.args[0]
            elif called in place and len(node.args) > place[called]:
                yield node.args[place[called]]
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith(".code"):
            yield node.value


def leaves(expression: ast.expr) -> Iterator[ast.expr]:
    """Yield what an expression may come to, through conditionals."""
    if isinstance(expression, ast.IfExp):
        yield from leaves(expression.body)
        yield from leaves(expression.orelse)
    else:
        yield expression


def codes(path: Path) -> dict[int, str]:
    """Return the codes that a module gives, each with its name."""
    tree = tree_of(path)
    known, found = constants(tree), {}
    for expression in coded(tree):
        for leaf in leaves(expression):
            if ast.unparse(leaf) in ("code", "e.args[0]"):
                continue  # handed on
            if isinstance(leaf, ast.Constant) and leaf.value == 0:
                continue  # says that there is none
            named = isinstance(leaf, ast.Name) and leaf.id in known
            assert named, f"{where(path, leaf)}: `{ast.unparse(leaf)}` is no const with a name"
            assert isinstance(leaf, ast.Name)
            found[known[leaf.id]] = leaf.id
    return found


def test_every_code_has_a_text_and_one_meaning() -> None:
    meaning: dict[int, str] = {}
    for path in DEVICE:
        for code, name in codes(path).items():
            full = f"{path.stem}.{name}"
            ranges = CODES_OF.get(path.stem, [])
            assert any(code in span for span in ranges), (
                f"{full} = {code} is outside the codes of {path.stem}"
            )
            assert code not in meaning, f"{full} and {meaning[code]} are both {code}"
            meaning[code] = full
            assert code in REASONS, f"{full} = {code} has no text in tools/dmtool/reasons.py"
    strays = sorted(set(REASONS) - set(meaning))
    assert not strays, f"texts of codes that nothing raises: {strays}"
    assert all(text.endswith(".") and len(text) > 30 for text in REASONS.values())


def test_every_status_has_a_text() -> None:
    for path in DEVICE:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "CommandFailed":
                for leaf in leaves(node.args[0]):
                    if isinstance(leaf, ast.Constant):
                        assert leaf.value in STATUSES, f"{where(path, node)}: status {leaf.value} has no text"


def test_nothing_of_one_machine_in_the_tree() -> None:
    """Paths of somebody's machine and hosts of registries have no place in tracked files."""
    strange = re.compile(
        r"(?<![\w.}])/(?:work|root|farm|home)/[A-Za-z.]|\b(?:pypi\.org|deb\.debian\.org|registry\.npmjs\.org)\b"
    )
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            assert not strange.search(line), f"{name}:{number}: {line.strip()[:100]}"

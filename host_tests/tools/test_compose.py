"""The command language, the rules a message must keep, and XML as input."""

import pytest
from dmtool import account as accounts
from dmtool import commands, compose, rules, wbxml_decode, xml_text
from dmtool.errors import ToolError, UsageError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.toml"
    accounts.create(path, "com.example.dms", "urn:dev:mac:07")
    return path


def items(words):
    """What the words become: (command, uri, format, type, data) of each."""
    out = []
    for command in commands.parse(words):
        item = command.find("Item")
        data = item.find("Data")
        content = (
            None
            if data is None
            else b"".join(part if isinstance(part, bytes) else part.encode() for part in data.content)
        )
        out.append(
            (
                command.name,
                item.path("Target", "LocURI").text(),
                rules.meta_of(command, item, "Format"),
                rules.meta_of(command, item, "Type"),
                content,
            )
        )
    return out


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["replace", "./Led/State=on"], ("Replace", "./Led/State", None, None, b"on")),
        (["replace ./Led/State=on"], ("Replace", "./Led/State", None, None, b"on")),
        (["REPLACE", "./Led/State="], ("Replace", "./Led/State", None, None, b"")),
        (["replace", "./A=b=c:int"], ("Replace", "./A", None, None, b"b=c:int")),
        (["replace", "./A=with  spaces "], ("Replace", "./A", None, None, b"with  spaces")),
        (["replace", "./A=@@home"], ("Replace", "./A", None, None, b"@home")),
        (["replace", "./A?prop=ACL=Get=*&Add=x"], ("Replace", "./A?prop=ACL", None, None, b"Get=*&Add=x")),
        (["replace", "./A?prop=Name=b:c"], ("Replace", "./A?prop=Name", None, None, b"b:c")),
        (["add", "./App/Log/Level:int=3"], ("Add", "./App/Log/Level", "int", None, b"3")),
        (["add", "./A:int,text/x=-3"], ("Add", "./A", "int", "text/x", b"-3")),
        (["add", "./New:node"], ("Add", "./New", "node", None, None)),
        (["add", "./N:node,urn:oma:mo:x/a:1.0"], ("Add", "./N", "node", "urn:oma:mo:x/a:1.0", None)),
        (["add", "./M/aa:bb:chr=x"], ("Add", "./M/aa:bb", "chr", None, b"x")),
        (["add", "./m:c/x=1"], ("Add", "./m:c/x", None, None, b"1")),
        (["add", "./A:null"], ("Add", "./A", "null", None, None)),
        (["add", "./A:bool=true"], ("Add", "./A", "bool", None, b"true")),
        (["add", "./A:float=-1.5e3"], ("Add", "./A", "float", None, b"-1.5e3")),
        (["add", "./A:b64=AAEC"], ("Add", "./A", "b64", None, b"AAEC")),
        (["delete", "./App/Old"], ("Delete", "./App/Old", None, None, None)),
        (["delete", "./M/aa:bb"], ("Delete", "./M/aa:bb", None, None, None)),
        (["exec", "./Dev/Reboot"], ("Exec", "./Dev/Reboot", None, None, None)),
        (["exec", "./Dev/Reboot=now"], ("Exec", "./Dev/Reboot", None, None, b"now")),
        (["add", "Grüße/Straße=ß"], ("Add", "Grüße/Straße", None, None, "ß".encode())),
    ],
)
def test_one_command(words, wanted):
    assert items(words) == [wanted]


def test_several_commands():
    names = [row[0] for row in items(["add", "./A:node", "add ./A/B=1", "delete", "./C", "exec", "./D"])]
    assert names == ["Add", "Add", "Delete", "Exec"]


def test_values_from_files(tmp_path):
    blob = tmp_path / "blob"
    blob.write_bytes(bytes(range(256)))
    assert items([f"add ./A:bin=@{blob}"]) == [
        ("Add", "./A", "bin", "application/octet-stream", bytes(range(256)))
    ]
    blob.write_text("7\n")
    assert items([f"add ./A:int=@{blob}"])[0][4] == b"7"
    assert items([f"add ./A=@{blob}"])[0][4] == b"7\n"


@pytest.mark.parametrize(
    "words",
    [
        ["frobnicate", "./A"],
        ["add"],
        ["delete", "./A", "./B"],
        ["replace", "./A"],
        ["add", "./A"],
        ["delete", "./A=3"],
        ["replacement ./A=1"],
        [""],
    ],
)
def test_no_command_is_a_usage_error(words):
    with pytest.raises(UsageError):
        commands.parse(words)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["get", "./A"], "no answer"),
        (["Get ./A"], "no answer"),
        (["replace", "/A=1"], "starts with"),
        (["replace", "./A/=1"], "ends with"),
        (["replace", "./A//B=1"], "no name"),
        (["replace", "./A/../B=1"], "no name"),
        (["replace", "././A=1"], "no name"),
        (["replace", "=1"], "no name"),
        (["replace", "./A?list=Struct"], "prop="),
        (["replace", "./A?prop=Colour=1"], "no property"),
        (["replace", "./A\x07=1"], "control"),
        (["replace", "./" + "x" * 33 + "=1"], "32 characters"),
        (["replace", "./" + "/".join("x" * 17) + "=1"], "16 levels"),
        (["replace", "./" + "/".join(["y" * 31] * 4) + "z=1"], "127 characters"),
        (["replace", "./A:node"], "interior"),
        (["add", "./A:node=1"], "no value"),
        (["add", "./A:itn=1"], "no format"),
        (["add", "./A:int=x"], "whole number"),
        (["add", "./A:int=12345678901"], "whole number"),
        (["add", "./A:bool=yes"], "true or false"),
        (["add", "./A:float=1.2.3"], "float"),
        (["add", "./A:b64=?"], "base64"),
        (["add", "./A:bin=1"], "from a file"),
        (["add", "./A=@/nowhere/at/all"], "no such file"),
    ],
)
def test_a_bad_operand_is_refused_in_one_line(words, told):
    with pytest.raises(ToolError, match=told) as caught:
        commands.parse(words)
    assert "\n" not in str(caught.value)


@pytest.mark.row("R45", "R47", "R50", negative=True)
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["replace", "./DMAcc/S/Name=x"], "never changes an account"),
        (["delete", "./DMAcc/S"], "never changes an account"),
        (["add", "./SyncML/DMAcc/S:node"], "never changes an account"),
        (["add", "./X:node,urn:oma:mo:oma-dm-dmacc:1.0"], "never changes an account"),
        (["add", "./X:node,URN:oma:mo:oma-dm-DMAcc:1.1"], "never changes an account"),
        (["add", "./X:node,org.openmobilealliance/1.0/w7"], "never changes an account"),
        (["replace", "./Inbox=1"], "only an Add"),
        (["delete", "./Inbox"], "only an Add"),
        (["exec", "./Inbox"], "only an Add"),
        (["add", "./Inbox/X:node"], "only an Add"),
        (["add", "./Inbox:chr=x"], "TNDS"),
        (["delete", "."], "root"),
        (["add", "./A?prop=Title=x"], "only Replace"),
        (["delete", "./A?prop=ACL"], "only Replace"),
        (["replace", "./A?prop=Size=3"], "only Replace"),
    ],
)
def test_what_the_standard_forbids_is_not_composed(words, told, file):
    with pytest.raises(ToolError, match=told):
        compose.compose(file, commands.parse(words))
    assert accounts.load(file).msg_id == 0  # and costs no number


@pytest.mark.row("R03", "R05", "R06", "R08", "R09", "R10", "R11", "R15")
def test_a_message_has_all_its_parts(file):
    message = compose.compose(file, commands.parse(["replace", "./A=1", "delete", "./B"]))
    account = accounts.load(file)
    document = wbxml_decode.decode(message.octets)
    assert document.error is None and document.rest == 0
    header = document.root.find("SyncHdr")
    told = {e.name: e.text() for e in header.elements()}
    assert told["VerDTD"] == "1.2" and told["VerProto"] == "DM/1.3"
    assert told["SessionID"] == "1" and told["MsgID"] == "1"
    assert header.path("Target", "LocURI").text() == "urn:dev:mac:07"
    assert header.path("Source", "LocURI").text() == "com.example.dms"
    assert header.path("Source", "LocName").text() == account.auth_name
    assert header.path("Cred", "Meta", "Type").text() == "syncml:auth-SHA256"
    assert header.path("Cred", "Meta", "Format").text() == "b64"
    body = list(document.root.find("SyncBody").elements())
    assert [e.name for e in body] == ["Replace", "Delete", "Final"]
    assert [e.find("CmdID").text() for e in body[:-1]] == ["1", "2"]
    assert account.secret.encode() not in message.octets
    assert account.key not in message.octets


def test_session_numbers_are_hexadecimal(file):
    file.write_text(file.read_text().replace("session_id = 1", "session_id = 43981"))
    message = compose.compose(file, commands.parse(["delete", "./A"]))
    root = wbxml_decode.decode(message.octets).root
    assert root.path("SyncHdr", "SessionID").text() == "ABCD"


# -- XML

REPLACE = "<Replace><Item><Target><LocURI>./A</LocURI></Target><Data> x </Data></Item></Replace>"


def read(tmp_path, text):
    path = tmp_path / "body.xml"
    path.write_text(text)
    return compose.prepare(xml_text.read_body(path))


@pytest.mark.parametrize(
    "text",
    [
        REPLACE,
        f"<?xml version='1.0'?>\n  {REPLACE}\n<Final/>",
        f"<SyncBody>{REPLACE}<Final/></SyncBody>",
        f"<SyncBody xmlns='SYNCML:SYNCML1.2'>{REPLACE}</SyncBody>",
        f"<SyncML><SyncHdr><VerDTD>1.2</VerDTD></SyncHdr><SyncBody>{REPLACE}<Final/></SyncBody></SyncML>",
        f"<!-- a comment -->{REPLACE}",
    ],
)
def test_xml_in_all_its_shapes(tmp_path, text):
    (command,) = read(tmp_path, text)
    assert command.name == "Replace" and command.find("CmdID").text() == "1"
    assert command.path("Item", "Target", "LocURI").text() == "./A"
    assert command.path("Item", "Data").text() == " x "  # a value keeps its spaces


def test_numbers_in_xml_are_kept_and_filled_up(tmp_path):
    text = f"<Atomic><CmdID>2</CmdID>{REPLACE}{REPLACE}</Atomic>{REPLACE}"
    atomic, last = read(tmp_path, text)
    inner = [e.find("CmdID").text() for e in atomic.elements() if e.name == "Replace"]
    assert (inner, last.find("CmdID").text()) == (["1", "3"], "4")


def test_meta_in_xml_needs_no_namespace(tmp_path):
    (command,) = read(tmp_path, REPLACE.replace("<Data>", "<Meta><Format>chr</Format></Meta><Data>"))
    assert command.path("Item", "Meta", "Format").page == 1


def test_binary_data_in_xml_is_base64(tmp_path):
    text = REPLACE.replace("<Data> x ", "<Meta><Format xmlns='syncml:metinf'>bin</Format></Meta><Data>AAH/\n")
    (command,) = read(tmp_path, text)
    assert command.path("Item", "Data").content == [b"\0\1\xff"]
    with pytest.raises(ToolError, match="base64"):
        read(tmp_path, text.replace("AAH/", "A?"))


@pytest.mark.row("R11", "R12", "R16", negative=True)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "at least one"),
        ("<SyncBody/>", "at least one"),
        ("<Replace>", "no XML"),
        ("plain text", "at least one"),
        (REPLACE.replace("Replace", "Get"), "no answer"),
        (f"<Sequence>{REPLACE.replace('Replace', 'Get')}</Sequence>", "no answer"),
        (REPLACE.replace("</Item>", "<MoreData/></Item>"), "MoreData"),
        (REPLACE.replace("./A", "./DMAcc/X"), "never changes an account"),
        (REPLACE.replace("Replace", "Copy"), "Copy"),
        (REPLACE.replace("Replace", "Alert"), "Alert"),
        (REPLACE.replace("Replace", "Status"), "no command"),
        (REPLACE.replace("Replace", "Frobnicate"), "no element"),
        (REPLACE.replace("<Replace>", "<Replace colour='3'>"), "attributes"),
        (REPLACE.replace("<Replace>", "<Replace xmlns='urn:x'>"), "namespace"),
        (f"<Atomic><Atomic>{REPLACE}</Atomic></Atomic>", "inside an Atomic"),
        (f"<Atomic><Sequence><Atomic>{REPLACE}</Atomic></Sequence></Atomic>", "inside an Atomic"),
        (f"<Atomic>{REPLACE.replace('Replace', 'Exec')}</Atomic>", "inside an Atomic"),
        ("<Atomic/>", "holds no command"),
        ("<Replace/>", "no Item"),
        ("<Replace><Item><Data>1</Data></Item></Replace>", "LocURI"),
        (REPLACE.replace("<Item>", "<CmdID>0</CmdID><Item>"), "CmdID"),
        (2 * REPLACE.replace("<Item>", "<CmdID>7</CmdID><Item>"), "twice"),
        (REPLACE.replace("./A", "/A"), "starts with"),
        (f"<!DOCTYPE x [<!ENTITY e 'boo'>]><SyncBody>{REPLACE}</SyncBody>", "entities"),
        (f"<SyncML><SyncBody>{REPLACE}</SyncBody><SyncBody/></SyncML>", "no single"),
    ],
)
def test_bad_xml_is_refused_in_one_line(tmp_path, text, told):
    with pytest.raises(ToolError, match=told) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_elements_too_deep_are_refused_and_cost_no_number(file, tmp_path):
    path = tmp_path / "body.xml"
    path.write_text("<Sequence>" * 40 + REPLACE + "</Sequence>" * 40)
    with pytest.raises(ToolError, match="deeper than 32"):
        compose.compose(file, xml_text.read_body(path))
    assert accounts.load(file).msg_id == 0


def test_relative_addresses_are_checked_whole(tmp_path):
    text = (
        "<Delete><Item><Target><LocURI>S</LocURI></Target>"
        "<TargetParent><LocURI>./DMAcc</LocURI></TargetParent></Item></Delete>"
    )
    with pytest.raises(ToolError, match="never changes an account"):
        read(tmp_path, text)

"""OTA-HTTP pushes to a simulated device: every form a push may have, and every answer."""

import pytest
from conftest import run_make
from simdevice_bench import CONTENT_TYPE, VECTORS, Operator, SimDevice, read_answer, request

SPOOL = 4096


@pytest.fixture(scope="module")
def operator(tmp_path_factory):
    run_make("mpy")
    return Operator(tmp_path_factory.mktemp("device"))


@pytest.fixture(scope="module")
def device(operator):
    with SimDevice(operator.image, "--spool", str(SPOOL)) as device:
        yield device


def applied(device):
    event = device.event("push")
    assert event["error"] is None and [status for _, status in event["statuses"]] == [200], event
    assert event["flash"]["programs"] > 0
    return event


def refused(device):
    event = device.event("push")
    assert event["error"] is not None
    assert event["flash"] == {"programs": 0, "erases": 0} and event["statuses"] == []
    return event


def taken(answer):
    assert answer.status == 204 and answer.body == b"" and answer.blank
    assert answer.fields[b"x-wap-push-ota-version"] == b"1.0"
    assert answer.fields[b"x-wap-push-status"] == b"400"
    return True


def nested(operator, body, *fields):
    fields = (b"Content-Type: " + CONTENT_TYPE, b"x-syncml-hmac: " + operator.hmac(body), *fields)
    return b"HTTP/1.1 200 OK\r\n" + b"\r\n".join(fields) + b"\r\n\r\n" + body


def chunked(body, *sizes):
    out = b""
    for size in sizes:
        out += b"%x\r\n" % len(body[:size]) + body[:size] + b"\r\n"
        body = body[size:]
    return out + b"%X;last\r\n" % len(body) + body + b"\r\n0\r\nTrailer: x\r\n\r\n"


@pytest.mark.row("R25")
@pytest.mark.parametrize("form", ["direct", "nested", "chunked"])
def test_recorded_requests(device, form):
    """What curl sends is taken as a push; its placeholder of a MAC is then refused."""
    assert taken(device.send((VECTORS / f"otahttp_{form}.bin").read_bytes()))
    assert refused(device)["error"] == "NotAuthentic"


def test_recorded_options(device):
    answer = device.send((VECTORS / "otahttp_options.bin").read_bytes())
    assert answer.status == 204 and answer.fields[b"x-wap-push-status"] == b"501"
    assert answer.fields[b"x-wap-push-ota-version"] == b"1.0"
    assert answer.fields[b"x-wap-push-accept"] == CONTENT_TYPE
    assert answer.fields[b"x-wap-push-accept-appid"] == b"x-wap-application:syncml.dm"
    assert answer.fields[b"x-wap-push-msgsize"] == b"%d" % SPOOL
    device.nothing_more()


@pytest.mark.row("R25")
def test_direct(device, operator):
    assert taken(device.send(operator.push(operator.message("replace ./Led/State=on"))))
    assert device.event("change") == {"event": "change", "uri": "./Led/State", "kind": "replace"}
    applied(device)


@pytest.mark.row("R25")
def test_nested(device, operator):
    for fields in ((), (b"X-Wap-Application-Id: x-wap-application:syncml.dm",)):
        body = nested(operator, operator.message("replace ./Led/State=off"), *fields)
        assert taken(device.send(request(body, b"Content-Type: Application/HTTP; msgtype=response")))
        applied(device)


def test_nested_with_lengths(device, operator):
    message = operator.message("replace ./Led/State=off")
    wrong = nested(operator, message, b"Content-Length: %d" % (len(message) + 1))
    assert device.send(request(wrong, b"Content-Type: application/http")).status == 400
    device.nothing_more()
    right = nested(operator, message, b"Content-Length: %d" % len(message))
    assert taken(device.send(request(right, b"Content-Type: application/http")))
    applied(device)


def test_chunked(device, operator):
    body = operator.message("replace ./Led/State=on")
    fields = (b"Transfer-Encoding: chunked", b"x-syncml-hmac: " + operator.hmac(body))
    assert taken(device.send(request(chunked(body, 1, 1, 50), *fields)))
    applied(device)


def test_chunked_and_nested(device, operator):
    body = nested(operator, operator.message("replace ./Led/State=on"))
    fields = (b"Transfer-Encoding: chunked", b"Content-Type: application/http")
    assert taken(device.send(request(chunked(body, *[7] * 20), *fields)))
    applied(device)


def test_octet_by_octet(device, operator):
    octets = operator.push(operator.message("replace ./Led/State=off"))
    with device.connect() as s:
        s.setsockopt(6, 1, 1)  # TCP_NODELAY
        for octet in octets:
            s.send(bytes([octet]))
        assert taken(read_answer(s))
    applied(device)


def test_expect(device, operator):
    body = operator.message("replace ./Led/State=on")
    octets = request(body, b"Expect: 100-continue", b"x-syncml-hmac: " + operator.hmac(body))
    with device.connect() as s:
        s.sendall(octets[: -len(body)])
        assert s.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        s.sendall(body)
        assert taken(read_answer(s))
    applied(device)


def test_expect_too_much(device):
    """413 comes at once, and nobody has to send a body that is not wanted."""
    with device.connect() as s:
        s.sendall(request(b"", b"Expect: 100-continue", b"Content-Length: 100000"))
        assert read_answer(s).status == 413
    device.nothing_more()


def test_exec_after_the_commit(device, operator):
    assert taken(device.send(operator.push(operator.message("exec ./Dev/Reboot"))))
    assert device.event("exec")["uri"] == "./Dev/Reboot"
    event = device.event("push")
    assert event["error"] is None and event["statuses"] == [["1", 202]]


@pytest.mark.row("R28", "R33", negative=True)
def test_same_answer_for_all(device, operator):
    """Good, forged, replayed, wrong type, wrong application, garbage, empty: one answer."""
    body = operator.message("replace ./Led/State=on")
    good = device.send(operator.push(body)).octets
    applied(device)
    mac = b"x-syncml-hmac: " + operator.hmac(body)
    for octets in (
        operator.push(body),  # once more
        request(body, mac.replace(b"mac=", b"mac=A")),
        request(body[:-1] + b"\x02", mac),
        request(body),
        request(body, mac, b"Content-Type: text/plain"),
        request(body, mac, b"X-Wap-Application-Id: x-wap-application:wml.ua"),
        request(b"\x00" * 100, mac),
        request(b"", mac),
    ):
        assert device.send(octets).octets == good
        refused(device)


def test_client_that_leaves_at_once(device, operator):
    """A push that came whole counts, whether or not somebody waits for the answer."""
    with device.connect() as s:
        s.sendall(operator.push(operator.message("replace ./Led/State=off")))
    applied(device)


def test_limit_of_the_body(device, operator):
    assert taken(device.send(request(b"x" * SPOOL)))
    refused(device)
    assert device.send(request(b"x" * (SPOOL + 1))).status == 413
    fields = (b"Transfer-Encoding: chunked",)
    assert taken(device.send(request(chunked(b"x" * SPOOL, 1000), *fields)))
    refused(device)
    assert device.send(request(chunked(b"x" * (SPOOL + 1), 1000), *fields)).status == 413
    inner = nested(operator, b"x" * (SPOOL + 1))
    assert device.send(request(inner, b"Content-Type: application/http")).status == 413
    inner = nested(operator, b"x" * SPOOL)
    assert taken(device.send(request(inner, b"Content-Type: application/http")))
    refused(device)
    device.nothing_more()


def test_limit_of_the_head(device, operator):
    body = operator.message("replace ./Led/State=on")
    fill = b"X-Fill: " + b"x" * (2048 - len(operator.push(body)) + len(body) - len(b"X-Fill: \r\n"))
    mac = b"x-syncml-hmac: " + operator.hmac(body)
    assert device.send(request(body, mac, fill + b"x")).status == 431
    assert device.send(b"POST /wappush HTTP/1.1\r\n" + b"a: b\r\n" * 2000).status == 431
    inner = b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 400
    assert device.send(request(inner, b"Content-Type: application/http")).status == 431
    device.nothing_more()
    assert taken(device.send(request(body, mac, fill)))
    applied(device)


def test_refusals(device):
    for status, octets in (
        (411, b"POST /wappush HTTP/1.1\r\n\r\n"),
        (404, request(b"body", path=b"/")),
        (404, request(b"body", path=b"/wappush/x")),
        (404, request(b"", path=b"*", method=b"OPTIONS")),
        (405, request(b"", method=b"GET")),
        (405, request(b"", method=b"HEAD")),
        (405, request(b"body", method=b"PUT")),
        (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
        (400, b"hello\r\n"),
        (400, b"POST /wappush HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"),
        (400, request(b"1\r\nx\r\n0\r\n\r\n", b"Transfer-Encoding: chunked", b"Content-Length: 11")),
        (400, request(b"no chunk", b"Transfer-Encoding: chunked")),
        (501, request(b"x", b"Transfer-Encoding: gzip")),
        (413, request(b"", b"Content-Length: 9999999999")),
    ):
        answer = device.send(octets)
        assert answer.status == status, octets
        assert (b"allow" in answer.fields) == (status == 405)
    assert device.send(request(b"", method=b"GET")).fields[b"allow"] == b"post, options"
    device.nothing_more()


def test_query_is_ignored(device, operator):
    body = operator.message("replace ./Led/State=on")
    fields = b"x-syncml-hmac: " + operator.hmac(body)
    assert taken(device.send(request(body, fields, path=b"/wappush?a=1&b=%zz")))
    applied(device)


def ends_with(status, *words):
    device = SimDevice(*words)
    assert device.end() == status
    said = "".join(device.noise)
    assert said.startswith("simdevice:") and said.count("\n") == 1
    return said


def test_start_that_fails(device, tmp_path):
    """One line, and an exit status."""
    image = tmp_path / "FLASH.img"
    assert "--no-such-option" in ends_with(2, image, "--no-such-option")
    assert "FLASH.img" in ends_with(1, tmp_path / "missing" / "FLASH.img")
    ends_with(1, image, "--http", str(device.port))
    image.write_bytes(b"\xff" * 5000)
    assert "5000 octets" in ends_with(1, image)

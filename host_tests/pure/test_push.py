# Labels of a push: which are taken. Application id 7 is syncml.dm.
from check import raises
from omadm.errors import Malformed
from omadm.push import Push, check

WRONG_TYPE = 80
WRONG_APPLICATION = 81
DM = "application/vnd.syncml.dm+wbxml"


def push(content_type=DM, app_id=None):
    return Push("http", False, content_type, app_id, {}, None)


def test_content_type_is_brought_into_form():
    for text in (DM, DM.upper(), " " + DM + " ", DM + ";charset=utf-8", DM + " ; SEC=x; MAC=y"):
        assert push(text).content_type == DM
        check(push(text))


def test_other_types_are_dropped():
    for text in (
        "",
        ";",
        "application/vnd.syncml.dm+xml",
        "application/vnd.syncml+wbxml",
        "application/vnd.syncml.notification",
        "application/vnd.syncml.dm+wbxml2",
        "text/plain; x=application/vnd.syncml.dm+wbxml",
        "*/*",
    ):
        raises(Malformed, WRONG_TYPE, check, push(text))
        raises(Malformed, WRONG_TYPE, check, push(text, 7))


def test_application_id():
    for app_id in (
        None,
        7,
        "7",
        "x-wap-application:syncml.dm",
        "X-WAP-Application:SyncML.DM",
        " x-wap-application:syncml.dm ",
    ):
        check(push(DM, app_id))
    for app_id in (0, 2, 4, 5, 8, 0x87, -1, "", "0", "70", "x-wap-application:mms.ua", "syncml.dm"):
        raises(Malformed, WRONG_APPLICATION, check, push(DM, app_id))
    raises(Malformed, WRONG_APPLICATION, check, push(DM, "x-wap-application:syncml.dmx"))


def test_what_a_receiver_gives_is_kept():
    headers = {"x-syncml-hmac": "algorithm=HMAC-SHA256"}
    one = Push("sms", True, DM, 7, headers, headers)
    assert one.transport == "sms" and one.secure is True
    assert one.headers is headers and one.spool is headers

"""Every defence, how it is taken out, and the test that fails then: the source of docs/security.md.

A Threat is what somebody may try. A Defence says where it is met: a file, the exact text (it
occurs once there) and what stands in its place when the defence is gone.
"""

from typing import NamedTuple


class Threat(NamedTuple):
    """What is tried. known: where it was seen before."""

    name: str
    text: str
    known: str = ""


class Defence(NamedTuple):
    """name, the threat it meets, what it does, where, and its test (file::function, below host_tests).

    old occurs once in file; new stands there when the defence is taken out.
    """

    name: str
    threat: str
    text: str
    file: str
    old: str
    new: str
    test: str


THREATS = (
    Threat(
        "no-proof",
        "A message without any proof, with one that does not fit, or with one the sender may choose himself.",
        "OMA Client Provisioning in phones, 2019: no authentication at all, a PIN out of the IMSI, a PIN that the attacker tells",
    ),
    Threat(
        "field-ignored",
        "A field of the proof is taken off or altered, and nobody looks.",
        "the SEC and MAC parameters that clients ignored, CVE-2016-7988 to 7991",
    ),
    Threat(
        "bad-value",
        "A value that breaks who reads it is stored, and breaks the device anew after every reset.",
        "CVE-2016-7989: a boot loop until factory reset",
    ),
    Threat(
        "shared-secret",
        "One secret for all devices, or a message for one device sent to another.",
        "Black Hat 2014, Solnik and Blanchou: device number and a token that all of them share",
    ),
    Threat(
        "weak-form",
        "A fallback: a default nonce, an empty secret, MD5, Basic; or a compare that tells by its time how far it got.",
        "libdmclient: nonce 0x00000000 on retry, memcmp of MD5",
    ),
    Threat(
        "level-none",
        "A level at which everybody is authorised, or a proof of another kind than the account asks for.",
        "AOSP OMA-DM: level none, Basic by default",
    ),
    Threat(
        "replay",
        "A good message is caught and sent again, later, in another order, or into a power cut.",
        "the text itself: SessionID and MsgID may be ignored, and no nonce can follow",
    ),
    Threat(
        "wrapping",
        "An XML-Signature over something else than what is applied: a fragment, a second Signature, duplicate Ids, transforms that leave parts out, a value cut short.",
        "CVE-2020-5390 (pysaml2) and its kin",
    ),
    Threat(
        "keys",
        "A key taken for one of another kind, a key that the message brings along, a weak key, or a signature that a lax check of padding or numbers lets through.",
        "RSA keys used as HMAC secrets; Bleichenbacher's forgery of 2006; s = 0",
    ),
    Threat(
        "length",
        "A length or a number that runs past the message or round 32 bits.",
        "Wireshark 17925 and 12408, CVE-2016-5359, CVE-2017-7702",
    ),
    Threat(
        "structure",
        "Deep nesting, an index outside the string table, unknown types, literal tags, entities, code pages, few octets that stand for many.",
        "the files of libwbxml's fuzzer, which crash its version of Debian 12",
    ),
    Threat(
        "cost", "A stranger makes the device parse, allocate, wait or wear its flash out.", "message bombs"
    ),
    Threat(
        "sms",
        "Fragments: repeated, missing, mixed, of oversized headers, of messages that never become whole.",
        "Mulliner and Miller, Injecting SMS Messages, 2009",
    ),
    Threat(
        "http",
        "Requests with two lengths, endless headers or chunks, and answers that tell what became of a push.",
        "request smuggling",
    ),
    Threat(
        "objects",
        "A TNDS object that is too much, is not whole, means two things, or declares entities that grow.",
        "entity bombs; documents cut on their way",
    ),
    Threat(
        "takeover",
        "A message that makes its sender, or another one, master of the device: by a DMAcc, in any disguise.",
    ),
    Threat(
        "rights",
        "A server does what only another may: by a name that is part of another's, by an ACL it may not change, by rights left behind.",
    ),
    Threat(
        "half",
        "A message takes effect in part, or in what was not proved.",
        "clients that accept Atomic and roll nothing back",
    ),
    Threat("oracle", "A stranger learns from answers or their time; a secret shows in a log."),
)

AUTH = "lib/omadm/auth.py"
CLIENT = "lib/omadm/client.py"
WBXML = "lib/omadm/wbxml.py"
EXECUTOR = "lib/omadm/executor.py"
COMMANDS = "lib/omadm/commands.py"
HEAD = "firmware/device/http_head.py"
REASSEMBLY = "lib/omadm/reassembly.py"
WSP = "lib/omadm/wsp.py"
SIGNATURE = "lib/omadm/signature.py"

DEFENCES = (
    # -- no-proof
    Defence(
        "mac-decides", "no-proof", "Nothing is applied unless the MAC of one account fits the octets as they came.",
        AUTH, "if same(code, mac(algorithm, account.key, account.nonce, digest)):", "if code:",
        "pure/test_client.py::test_every_flipped_bit_is_refused_above_the_trust_line",
    ),
    Defence(
        "header-needed", "no-proof", "A push without x-syncml-hmac, or with an empty one, is refused as one without proof.",
        AUTH, "    if not text:\n        raise NotAuthentic(_NO_HEADER)", "    text = text or 'x'",
        "pure/test_client.py::test_refusals_of_whole_messages",
    ),
    Defence(
        "secure-carrier", "no-proof", "No carrier is taken for a proof, TLS neither.",
        CLIENT, "            account = auth.check_mac(header, self.proof, self.accounts)\n            yield\n        else:\n", "            account = auth.check_mac(header, self.proof, self.accounts)\n            yield\n        elif push.secure:\n            account = self.accounts[0]\n        else:\n",
        "pure/test_rights.py::test_a_secure_carrier_is_no_proof",
    ),
    Defence(
        "labels", "no-proof", "Only the content type of DM messages is looked at, for the application that is ours.",
        "lib/omadm/push.py", "    raise Malformed(_WRONG_APPLICATION)", "    return",
        "pure/test_push.py::test_application_id",
    ),
    Defence(
        "bootstrap-refused", "no-proof", "The SEC and MAC parameters of a bootstrap are refused, not ignored.",
        WSP, "                raise Malformed(_BOOTSTRAP)", "                pass",
        "pure/test_wsp.py::test_bootstrap_is_refused",
    ),
    # -- field-ignored
    Defence(
        "cred-checked", "field-ignored", "Cred must be there and right beside the MAC.",
        AUTH, "    if not hdr.signed and not same(_padded(hdr.cred_data), cred(account.key, account.nonce)):", "    if False:",
        "pure/test_auth.py::test_cred_refused",
    ),
    Defence(
        "cred-type", "field-ignored", "Cred must be of a type we know.",
        AUTH, "    if not hdr.signed and kind != b\"syncml:auth-sha256\":", "    if False:",
        "pure/test_auth.py::test_cred_refused",
    ),
    Defence(
        "loc-name", "field-ignored", "The user name in SyncHdr must be that of the account.",
        AUTH, "    if hdr.loc_name is not None and hdr.loc_name != account.name:", "    if False:",
        "pure/test_auth.py::test_cred_refused",
    ),
    Defence(
        "header-parameters", "field-ignored", "A parameter of x-syncml-hmac that is doubled or unknown refuses the push.",
        AUTH, "        if values or len(code) != _B64_LEN:", "        if len(code) != _B64_LEN:",
        "pure/test_auth.py::test_bad_headers",
    ),
    Defence(
        "hmac-twice", "field-ignored", "Two proofs in one push of WSP refuse it.",
        WSP, "        if self.hmac is not None:\n            raise Malformed(_TWICE)", "        pass",
        "pure/test_wsp.py::test_hmac",
    ),
    # -- bad-value
    Defence(
        "value-of-format", "bad-value", "A value that is none of its format is never stored.",
        EXECUTOR, "            good = n <= 32 and is_legal(fmt, self._octets(item, 32))", "            good = True",
        "pure/test_client.py::test_values_of_every_carriage",
    ),
    Defence(
        "names", "bad-value", "What can be no name of a node becomes none, by Name neither.",
        EXECUTOR, "            status = 0 if uri.split(name) == ([name], None) else 400", "            status = 0",
        "pure/test_client.py::test_names_that_are_none",
    ),
    Defence(
        "base64-strict", "bad-value", "Base64 is what an encoder makes, to its end.",
        "lib/omadm/transaction.py", "            if whole and (out - first) % 3 or b2a_base64(plain)[:-1] != quad[:whole]:", "            if False:",
        "flow/test_corners.py::test_nothing_follows_the_padding_of_base64",
    ),
    # -- shared-secret
    Defence(
        "target", "shared-secret", "SyncHdr/Target must be this device.",
        AUTH, "    if hdr.target != device_id:", "    if False:",
        "pure/test_client.py::test_refusals_of_whole_messages",
    ),
    Defence(
        "one-image-one-device", "shared-secret", "An account file provisions the device it was made for, and no other.",
        "tools/dmtool/provision.py", "    if known and known != account.device_id.encode():", "    if False:", "tools/test_image.py::test_a_device_keeps_its_name",
    ),
    Defence(
        "random-secret", "shared-secret", "Every account has a secret of its own from the system's generator.",
        "tools/dmtool/account.py", "secrets.token_urlsafe(24)", "\"s\" * 32", "tools/test_account.py::test_a_new_account_is_private_and_random",
    ),
    # -- weak-form
    Defence(
        "no-default-nonce", "weak-form", "An account without nonce, or without a whole secret, authenticates nobody.",
        AUTH, "if len(found.key) != _B64_LEN or not found.nonce:", "if False:",
        "pure/test_auth.py::test_no_secret_or_no_nonce_is_no_way_in",
    ),
    Defence(
        "no-md5", "weak-form", "MD5 is refused.",
        AUTH, "    if token == b\"SHA256\" or token == b\"SHA-256\":", "    if token in (b\"SHA256\", b\"SHA-256\", b\"MD5\"):",
        "pure/test_auth.py::test_header_algorithms",
    ),
    Defence(
        "algorithm-named", "weak-form", "A header that names no algorithm is refused; it is not taken for ours.",
        AUTH, "    if token == b\"HMAC-SHA256\":", "    if token == b\"HMAC-SHA256\" or not token:",
        "pure/test_auth.py::test_header_algorithms",
    ),
    Defence(
        "constant-time", "weak-form", "A compare of proofs takes as long for every wrong value.",
        AUTH, "        differ |= given[i] ^ wanted[i]\n", "        differ |= given[i] ^ wanted[i]\n        if differ:\n            return False\n",
        "pure/test_auth.py::test_same_never_ends_early",
    ),
    # -- level-none
    Defence(
        "own-proof", "level-none", "An account takes the proof that it asks for, and no other.",
        AUTH, "    if found.auth_type != b\"HMAC\":", "    if False:",
        "pure/test_auth.py::test_only_the_proof_of_the_account_counts",
    ),
    Defence(
        "source-is-account", "level-none", "SyncHdr/Source must be the server of the account whose proof it was.",
        AUTH, "    if account.server_id != hdr.source:\n        raise NotAuthentic(_NO_ACCOUNT)\n", "",
        "pure/test_rights.py::test_a_server_without_an_account_is_nobody",
    ),
    Defence(
        "one-account", "level-none", "A ServerID in two DMAccs authenticates nobody.",
        AUTH, "            raise NotAuthentic(_SEVERAL_DMACC if account.server_id == hdr.source else _OTHER_ACCOUNT)", "            pass",
        "pure/test_client.py::test_two_accounts_with_one_server_id_refuse_the_message",
    ),
    # -- replay
    Defence(
        "pair-rises", "replay", "(SessionID, MsgID) must be greater than the last pair of that server.",
        AUTH, "    raise NotAuthentic(_REPLAY)\n", "    return seen\n",
        "pure/test_client.py::test_a_replayed_push_is_refused_without_flash_operation",
    ),
    Defence(
        "pair-in-the-commit", "replay", "The pair is written in the commit of the effects: no power cut comes between.",
        CLIENT, "        txn.add_record(_REPLAY, pack(\"<IHII\", account.nid, session, msg, run.seen))", "        self._commit()\n        txn.begin(spool.buf, self.clock())\n        txn.add_record(_REPLAY, pack(\"<IHII\", account.nid, session, msg, run.seen))",
        "powercut/test_slice.py::test_each_thirteenth_cut",
    ),
    Defence(
        "pair-kept", "replay", "The pair outlives a reset.",
        CLIENT, "        txn.add_record(_REPLAY, pack(\"<IHII\", account.nid, session, msg, run.seen))", "        pass",
        "pure/test_client.py::test_a_replayed_push_is_refused_without_flash_operation",
    ),
    Defence(
        "window-once", "replay", "Inside a reorder window a number counts once.",
        AUTH, "if 0 < behind < min(window, _WINDOW) and not seen >> behind & 1:", "if 0 < behind < min(window, _WINDOW):",
        "pure/test_auth.py::test_window_takes_each_number_once",
    ),
    Defence(
        "window-bounded", "replay", "No window is wider than 32.",
        AUTH, "if 0 < behind < min(window, _WINDOW) and", "if 0 < behind < window and",
        "pure/test_auth.py::test_window_of_none_one_and_too_many",
    ),
    Defence(
        "exec-once", "replay", "An Exec that had begun before a reset is told of, not run again.",
        CLIENT, "                if not state:", "                if True:",
        "pure/test_client.py::test_exec_that_had_started_is_interrupted_not_rerun",
    ),
    # -- wrapping
    Defence(
        "whole-message", "wrapping", "The one Reference is to the whole message; nothing is looked up by an Id.",
        SIGNATURE, "    r.take(b' URI=\"\">', _REFERENCE)", "    r.take(r.text[r.at : r.text.index(b'>', r.at) + 1])",
        "pure/test_signature.py::test_anything_else_in_it_is_refused",
    ),
    Defence(
        "digest-compared", "wrapping", "The digest is that of what is applied: the octets of the one message there is.",
        SIGNATURE, "        if not same(self.hash.digest(), self.digest):\n            raise NotAuthentic(_WRONG_DIGEST)\n", "",
        "pure/test_signature.py::test_a_signature_for_another_body",
    ),
    Defence(
        "value-compared", "wrapping", "The value is that of the SignedInfo that names the digest.",
        SIGNATURE, "            right = same(value, hmac(account.key + b\":\" + account.nonce, info))", "            right = True",
        "pure/test_signature.py::test_every_changed_octet_is_refused",
    ),
    Defence(
        "one-signature", "wrapping", "Nothing follows the Signature, a second one neither.",
        SIGNATURE, "    if r.at != len(text):\n        raise NotAuthentic(_FORM)\n", "",
        "pure/test_signature.py::test_anything_else_in_it_is_refused",
    ),
    Defence(
        "two-creds", "wrapping", "Cred/Data, which is not part of what is signed, comes once.",
        "lib/omadm/c14n.py", "                    if self.signature is not None:\n                        raise NotAuthentic(_TWO)\n", "",
        "pure/test_c14n.py::test_cred_data_holds_one_text",
    ),
    Defence(
        "nothing-hidden", "wrapping", "No element hides in the one place that is not signed.",
        "lib/omadm/c14n.py", "            if depth == len(_PATH):\n                raise NotAuthentic(_IN_DATA)\n", "",
        "pure/test_c14n.py::test_cred_data_holds_one_text",
    ),
    Defence(
        "namespaces-signed", "wrapping", "An element of another code page is another element in what is signed.",
        "lib/omadm/c14n.py", "        key = tag if page == self.page else tag | _FOREIGN\n", "        key = tag\n",
        "pure/test_c14n.py::test_a_namespace_is_written_where_the_page_changes",
    ),
    Defence(
        "text-escaped", "wrapping", "Text that looks like mark-up is text in what is signed.",
        "lib/omadm/c14n.py", "        text = text.replace(b\"<\", b\"&lt;\")\n", "        pass\n",
        "pure/test_c14n.py::test_text_is_escaped",
    ),
    Defence(
        "pieces-signed", "wrapping", "A signed text that was cut into more pieces than a command takes refuses the message.",
        "lib/omadm/c14n.py", "        if self.pieces > DATA_PIECES or self.copied > COPIED_OCTETS or self.cuts > SIGNED_CUTS:\n            raise TooLarge(_IN_PIECES)\n", "",
        "pure/test_signed_client.py::test_how_a_signed_text_is_carried_does_not_change_what_it_means",
    ),
    Defence(
        "carriage-signed", "wrapping", "Text and octets of a signed object, which are the same in XML, mean the same.",
        "lib/omadm/objects.py", ", table, run.proved)", ", table)",
        "pure/test_signed_client.py::test_how_a_signed_text_is_carried_does_not_change_what_it_means",
    ),
    Defence(
        "transforms", "wrapping", "Two transforms, known ones, in their order; no other.",
        SIGNATURE, "    r.empty(b\"Transform\", _EXCLUSIVE)\n    r.shut(b\"Transforms\")\n", "    r.empty(b\"Transform\", _EXCLUSIVE)\n    while r.text.startswith(b\"<\" + r.prefix + b\"Transform \", r.at):\n        r.empty(b\"Transform\", _EXCLUSIVE)\n    r.shut(b\"Transforms\")\n",
        "pure/test_signature.py::test_anything_else_in_it_is_refused",
    ),
    Defence(
        "hmac-whole", "wrapping", "HMACOutputLength is refused, and a value is compared whole.",
        AUTH, "    differ = len(given) ^ len(wanted)\n    if differ:\n        given = wanted\n", "    differ = 0\n    wanted = wanted[: len(given)]\n",
        "pure/test_auth.py::test_same",
    ),
    # -- keys
    Defence(
        "method-of-account", "keys", "The account says which method it takes: a public key is never a secret of HMAC.",
        SIGNATURE, "        if account.auth_type != _TYPES[algorithm]:\n            continue\n", "",
        "pure/test_signature.py::test_the_account_decides_the_method",
    ),
    Defence(
        "mac-of-account", "keys", "A MAC is no proof for an account with a public key, a MAC with an empty key neither.",
        AUTH, "    if found.auth_type != b\"HMAC\":\n        raise NotAuthentic(_OTHER_PROOF)\n    if len(found.key) != _B64_LEN or not found.nonce:", "    if False:",
        "pure/test_signed_client.py::test_a_mac_is_no_proof_for_a_public_key",
    ),
    Defence(
        "no-key-inside", "keys", "No key is taken from KeyInfo.",
        SIGNATURE, "    r.take(b\"</\" + prefix + b\"KeyInfo>\", _KEY_INFO)\n", "    r.at = r.text.index(b\"</\" + prefix + b\"KeyInfo>\", r.at) + len(prefix) + 10\n",
        "pure/test_signature.py::test_anything_else_in_it_is_refused",
    ),
    Defence(
        "secret-needed", "keys", "An account without secret or nonce proves nothing by a signature either.",
        SIGNATURE, "        elif len(account.key) != _KEY_LEN or not account.nonce:  # no fallback, no default nonce\n            raise NotAuthentic(_NO_SECRET)\n", "",
        "pure/test_signature.py::test_an_account_without_secret_or_nonce_proves_nothing",
    ),
    Defence(
        "padding-whole", "keys", "All of the padding of RSA is compared, not searched for its end.",
        "lib/omadm/pubkey.py", "    return found == int.from_bytes(wanted, \"big\")\n", "    return found.to_bytes(size, \"big\")[-32:] == wanted[-32:]\n",
        "pure/test_pubkey.py::test_rsa_pads_in_one_way_only",
    ),
    Defence(
        "below-modulus", "keys", "A number that is not below the modulus is no signature.",
        "lib/omadm/pubkey.py", "    if len(signature) != size or signature >= n:\n", "    if len(signature) != size:\n",
        "pure/test_pubkey.py::test_a_number_not_below_the_modulus_is_no_signature",
    ),
    Defence(
        "exponent", "keys", "A public exponent is odd, and 65537 at least.",
        "lib/omadm/pubkey.py", "    if len(e) > 4 or value < 65537 or not value & 1:\n        raise NotAuthentic(_BAD_KEY)\n", "",
        "pure/test_pubkey.py::test_rsa_keys",
    ),
    Defence(
        "key-size", "keys", "RSA has 2,048 bits at least.",
        "lib/omadm/pubkey.py", "not _LEAST <= len(n) <= _MOST or (len(n) == _LEAST and n[0] < 0x80) or ", "",
        "pure/test_pubkey.py::test_rsa_keys",
    ),
    Defence(
        "der", "keys", "DER has one form.",
        "lib/omadm/pubkey.py", "        if n < 0x80 or width == 2 and n < 0x100:\n            raise NotAuthentic(_BAD_KEY)\n", "",
        "pure/test_pubkey.py::test_der_in_one_form_only",
    ),
    Defence(
        "numbers-of-ecdsa", "keys", "r and s of ECDSA are numbers from 1 on, below the order.",
        "lib/omadm/pubkey.py", "            if number == bytes(32) or number >= _P256_ORDER:\n                return False\n", "            pass\n",
        "pure/test_pubkey.py::test_ecdsa_needs_the_native_module_and_a_number_in_range",
    ),
    Defence(
        "base64-once", "keys", "Digest and value are written in one way only.",
        SIGNATURE, "        if not octets or b2a_base64(octets)[:-1] != text:  # one way to write them only", "        if not octets:",
        "pure/test_signature.py::test_base64_in_one_form_only",
    ),
    Defence(
        "every-proof", "field-ignored", "Of two proofs in a message both must pass.",
        CLIENT, "            yield from self._prove(spool, (account,), most)  # every proof there is must pass (R38)\n", "            pass\n",
        "pure/test_signed_client.py::test_every_proof_that_is_there_must_pass",
    ),
    Defence(
        "signature-bounded", "cost", "A Signature has 3,072 octets at most; no more of a stranger's message is kept.",
        "lib/omadm/c14n.py", "            if len(self.signature) + end - off > SIGNATURE_LEN:\n                raise TooLarge(_TOO_LONG)\n", "",
        "pure/test_c14n.py::test_cred_data_is_bounded",
    ),
    Defence(
        "unsigned-dropped-early", "cost", "A message that nobody signed is dropped where its Cred ends, before its body is hashed.",
        SIGNATURE, "        self.account = check_value(self.accounts, algorithm, info, value, name)\n", "        self.late = algorithm, info, value, name\n        self.account = self.accounts[0] if self.accounts else 0\n",
        "pure/test_signature.py::test_a_wrong_value_is_found_before_the_body_is_read",
    ),
    # -- length
    Defence(
        "opaque-length", "length", "An OPAQUE must end inside the message.",
        WBXML, "            if n > left:\n                raise Malformed(_OPAQUE_OVERRUN)\n", "",
        "pure/test_wbxml.py::test_opaque_longer_than_the_message",
    ),
    Defence(
        "five-octets", "length", "A mb_u_int32 has five octets at most.",
        WBXML, "            if self.count == 5:\n                raise Malformed(_NUMBER_TOO_LONG)\n", "",
        "pure/test_wbxml.py::test_number",
    ),
    Defence(
        "32-bits", "length", "A mb_u_int32 is below 2^32.",
        WBXML, "            if self.value >> 25:\n                raise Malformed(_NUMBER_TOO_BIG)\n", "",
        "pure/test_wbxml.py::test_number",
    ),
    Defence(
        "table-length", "length", "The string table must end inside the message.",
        WBXML, "            if n > left:\n                raise Malformed(_TABLE_OVERRUN)\n", "",
        "pure/test_wbxml.py::test_string_table",
    ),
    Defence(
        "wsp-length", "length", "A field of a WSP header must end inside the headers.",
        WSP, "        if at > stop:\n            raise Malformed(_VALUE_CUT)\n", "",
        "pure/test_wsp.py::test_headers_cut_short_by_their_length",
    ),
    Defence(
        "sms-length", "length", "The user data of an SMS must end inside it.",
        "lib/omadm/sms.py", "        if self.end > end:\n            raise Malformed(_CUT)\n", "",
        "pure/test_sms.py::test_every_cut_and_every_tail",
    ),
    # -- structure
    Defence(
        "depth", "structure", "No more than 32 elements are open at once.",
        WBXML, "                if depth == WBXML_DEPTH:\n                    raise TooLarge(_DEPTH)\n                if on_leaf", "                if on_leaf",
        "pure/test_wbxml.py::test_depth",
    ),
    Defence(
        "table-index", "structure", "An index lies in the string table.",
        WBXML, "        if n >= len(self.table):\n            raise Malformed(_INDEX)\n", "",
        "pure/test_wbxml.py::test_table_text",
    ),
    Defence(
        "table-size", "structure", "The string table has 1,024 octets at most.",
        WBXML, "            if n > STRING_TABLE:\n                raise TooLarge(_TABLE_TOO_LONG)\n", "",
        "pure/test_wbxml.py::test_string_table",
    ),
    Defence(
        "amplification", "structure", "References stand for 16,384 octets at most in one message.",
        WBXML, "            if self.copied > TABLE_OCTETS:\n                raise TooLarge(_TABLE_AMPLIFIED)\n", "",
        "pure/test_wbxml.py::test_table_text_cannot_amplify",
    ),
    Defence(
        "public-id", "structure", "A document of another type is refused.",
        WBXML, "            elif n != 1 and n != self.public[0]:\n                raise Malformed(_PUBLIC_ID)\n", "",
        "pure/test_wbxml.py::test_public_id",
    ),
    Defence(
        "code-page", "structure", "There are three code pages.",
        WBXML, "            if t >= len(self.pages):\n                raise Malformed(_PAGE)\n", "            t %= len(self.pages)\n",
        "tools/test_vectors.py::test_refuses",
    ),
    Defence(
        "unknown-tag", "structure", "A token that no page has is refused.",
        WBXML, "                if tag > top or tag == hole:\n                    raise Malformed(_TAG)\n", "",
        "pure/test_wbxml.py::test_tags",
    ),
    Defence(
        "entity", "structure", "An entity is a character.",
        WBXML, "        if not n or n > 0x10FFFF or n >> 11 == 0x1B:\n            raise Malformed(_ENTITY)\n", "        n &= 0xFFFFF\n",
        "pure/test_wbxml.py::test_entity",
    ),
    Defence(
        "nothing-behind", "structure", "Nothing follows the end of the document.",
        WBXML, "            raise Malformed(_TAIL)\n", "            pass\n",
        "pure/test_wbxml.py::test_every_tail_is_malformed",
    ),
    Defence(
        "dead-after-error", "structure", "After an error the parser takes nothing more.",
        WBXML, "        except Exception as e:\n            self.error = e\n            raise\n", "        except Exception:\n            raise\n",
        "pure/test_wbxml.py::test_dead_after_an_error",
    ),
    Defence(
        "literal-in-command", "structure", "An element that may not stand where it stands fails its command, or the message.",
        COMMANDS, "            self._mistake(tag, _UNKNOWN)\n", "",
        "pure/test_commands.py::test_strange_elements_in_a_command",
    ),
    Defence(
        "data-pieces", "structure", "Data comes in 24 pieces at most.",
        "lib/omadm/parts.py", "or len(data) > 2 * DATA_PIECES", "",
        "pure/test_commands.py::test_pieces_of_data_are_bounded",
    ),
    Defence(
        "copied-octets", "structure", "Of a value, 1,024 octets at most must be copied.",
        "lib/omadm/parts.py", "413 if self.copied > COPIED_OCTETS or", "413 if",
        "pure/test_commands.py::test_copied_octets_of_data_are_bounded",
    ),
    Defence(
        "cmd-ids", "structure", "CmdIDs that must be remembered take 256 octets at most.",
        COMMANDS, "            if len(self.names) > CMD_ID_ROOM or b", "            if b",
        "pure/test_commands.py::test_many_cmd_ids",
    ),
    # -- cost
    Defence(
        "proof-first", "cost", "No octet of the body is parsed before its MAC is proved.",
        CLIENT, "            account = auth.check_mac(header, self.proof, self.accounts)\n", "            Parser(Commands(Executor(self, None, outcome, False)), PAGES, spool.length).feed(spool.buf, 0, spool.length)\n            account = auth.check_mac(header, self.proof, self.accounts)\n",
        "pure/test_client.py::test_every_flipped_bit_is_refused_above_the_trust_line",
    ),
    Defence(
        "spool-bounded", "cost", "A push has as many octets as the spool, which is there from the beginning.",
        "lib/omadm/spool.py", "        if end > len(self.buf):\n            self._hash = None\n            raise TooLarge(_FULL)\n", "",
        "pure/test_spool.py::test_too_large_is_refused_before_it_is_stored",
    ),
    Defence(
        "refusal-writes-nothing", "cost", "A refused push costs no flash operation.",
        CLIENT, "                mine.error = type(e).__name__\n", "                mine.error = type(e).__name__\n                self._begin()\n                journal.note(self.txn, 0, 0, 0, _MESSAGE, mine.statuses)\n                self._commit()\n",
        "pure/test_client.py::test_a_replayed_push_is_refused_without_flash_operation",
    ),
    Defence(
        "header-length", "cost", "x-syncml-hmac has 512 octets at most.",
        AUTH, "    if len(text) > HEADER_LEN:\n        raise NotAuthentic(_HEADER_TOO_LONG)\n", "",
        "pure/test_auth.py::test_header_is_bounded",
    ),
    Defence(
        "store-kept-open", "cost", "The journal's share of the store is bounded, so nobody fills it.",
        "lib/omadm/store.py", " or sum([row[2] for row in group]) > room", "", "flow/test_corners.py::test_nobody_fills_the_store_with_the_journal",
    ),
    Defence(
        "room-left", "cost", "The last octets of the store are for Deletes, pairs and the journal.",
        "lib/omadm/transaction.py", "+ growth + _RESERVE > store.log.capacity", "+ growth > store.log.capacity",
        "flow/test_corners.py::test_nobody_fills_the_store_with_the_journal",
    ),
    # -- sms
    Defence(
        "parts-fit", "sms", "A message with more parts than there is room for is refused with its first part.",
        REASSEMBLY, "        if d.total > self.slots or size > _SLOT:\n            return REFUSED\n", "        if size > _SLOT:\n            return REFUSED\n",
        "pure/test_reassembly.py::test_what_cannot_fit",
    ),
    Defence(
        "reference-anew", "sms", "A part that differs from one of the same number begins a new message; nothing is mixed.",
        REASSEMBLY, "            if i >= 0:  # the sender uses this reference for a new message\n                self._drop(message, True)\n                message = None\n", "",
        "pure/test_reassembly.py::test_reference_used_anew",
    ),
    Defence(
        "late-copies", "sms", "A late copy of a finished message opens nothing.",
        REASSEMBLY, "        elif d.key is not None and seen >= 0 and self._times[seen] == _FINISHED:\n            return DUPLICATE\n", "",
        "pure/test_reassembly.py::test_late_copies_are_ignored",
    ),
    Defence(
        "fragments-age", "sms", "A message that never becomes whole is given up.",
        REASSEMBLY, "                if now - m.last >= self.timeout or now - m.first >= self.lifetime:\n                    self._drop(m, True)\n", "                pass\n",
        "pure/test_reassembly.py::test_time_out",
    ),
    Defence(
        "steps-aside", "sms", "What stepped aside comes back as old as it was; it keeps nobody out.",
        REASSEMBLY, "        last = now if seen < 0 or self._times[seen] == _FINISHED else self._times[seen]\n", "        last = now\n",
        "pure/test_reassembly.py::test_what_never_becomes_whole_keeps_nobody_out",
    ),
    Defence(
        "sender-in-key", "sms", "Parts of two senders never make one message.",
        "lib/omadm/sms.py", "bytes(pdu[self._oa : self._oa_end]) + bytes(ref)", "bytes(ref)",
        "pure/test_reassembly.py::test_parts_of_two_senders_stay_apart",
    ),
    Defence(
        "header-adds-up", "sms", "A user data header whose lengths do not add up counts for nothing.",
        "lib/omadm/sms.py",
        "            if at + n > end:\n                return  # lengths don't add up: the whole header counts for nothing\n",
        "            n = min(n, end - at)\n",
        "pure/test_sms.py::test_header_elements",
    ),
    # -- http
    Defence(
        "two-lengths", "http", "A request with two lengths is refused.",
        HEAD, "            if self.chunked and self.content_length >= 0:\n                raise Refused(_BAD)", "            if False:\n                raise Refused(_BAD)",
        "pure/test_http_head.py::test_two_lengths",
    ),
    Defence(
        "doubled-field", "http", "A field that counts may come once.",
        HEAD, "            if self.hmac is not None:\n                raise Refused(_BAD)\n", "",
        "pure/test_http_head.py::test_doubled_fields",
    ),
    Defence(
        "head-bounded", "http", "A header block has 2,048 octets at most.",
        HEAD, "            if self.size > MAX:\n                raise Refused(_TOO_LARGE)\n", "",
        "pure/test_http_head.py::test_size_of_the_block",
    ),
    Defence(
        "line-bounded", "http", "Of a line no more is kept than a proof may have.",
        HEAD, "[off : min(stop, off + _LINE + 1 - len(self._line))]", "[off:stop]",
        "pure/test_http_head.py::test_long_lines",
    ),
    Defence(
        "chunk-bounded", "http", "The size of a chunk is bounded.",
        "firmware/device/http_body.py", "                if self._left > _CHUNK:\n                    raise Refused(413)\n", "",
        "pure/test_http_body.py::test_chunked_refused",
    ),
    Defence(
        "framing-bounded", "http", "The framing of chunks is bounded.",
        "firmware/device/http_body.py", "        if self._line > (_TRAILERS if self._state == _TRAILER else _LINE):\n            raise Refused(_BAD)\n", "",
        "pure/test_http_body.py::test_chunked_refused",
    ),
    Defence(
        "nested-whole", "http", "A nested message that was cut on its way is refused.",
        "firmware/device/http_content.py", "        if not head.done or head.content_length not in (-1, self.spool.length):", "        if not head.done:",
        "pure/test_http_body.py::test_nested_refused",
    ),
    Defence(
        "one-answer", "http", "Good, forged and replayed pushes have one answer, given before anybody looks at them.",
        "firmware/device/http_receiver.py", "        return self._answer(204, \"400\")", "        return self._answer(204, \"400\" if head.hmac else \"235\")",
        "device/test_http_push.py::test_same_answer_for_all",
    ),
    Defence(
        "idle-gives-way", "http", "Connections that say nothing give way to those that do.",
        "firmware/device/http_receiver.py", "            if len(self.open) < self.connections or self._make_room():", "            if len(self.open) < self.connections:",
        "device/test_http_abuse.py::test_200_idle_connections",
    ),
    Defence(
        "spool-in-time", "http", "Who holds the spool has to send, or gives it back.",
        "firmware/device/http_connection.py", "                self.deadline = due if ticks_diff(whole, due) > 0 else whole\n", "",
        "device/test_http_abuse.py::test_trickled_body_gives_the_spool_back",
    ),
    # -- objects
    Defence(
        "object-nodes", "objects", "An object has 512 nodes at most, counted before one of them is made.",
        "lib/omadm/objects.py", "        if self.nodes > OBJECT_NODES:\n            raise CommandFailed(413)\n", "",
        "pure/test_objects.py::test_an_object_of_too_many_nodes_or_levels",
    ),
    Defence(
        "object-texts", "objects", "What is no value of an object has 512 octets at most.",
        "lib/omadm/tnds.py", "            if end - off + len(text) > TEXT_LEN:\n                raise CommandFailed(413)\n", "",
        "pure/test_objects.py::test_an_object_of_too_many_nodes_or_levels",
    ),
    Defence(
        "xml-depth", "objects", "XML text of an object is nested 32 deep at most.",
        "lib/omadm/tndsxml.py", "                if depth == WBXML_DEPTH:\n                    raise CommandFailed(413)\n", "                if depth == WBXML_DEPTH:\n                    depth -= 1\n",
        "pure/test_objects.py::test_an_object_of_too_many_nodes_or_levels",
    ),
    Defence(
        "no-entities", "objects", "No entity can be declared, so none can grow.",
        "lib/omadm/tndsxml.py", " or memory.find(b\"[\", i, stop) >= 0:", ":",
        "pure/test_objects.py::test_a_broken_object_leaves_nothing",
    ),
    Defence(
        "object-once", "objects", "No two nodes of an object have one name.",
        "lib/omadm/subtree.py", "            if self._touched(nid) or not self.kept[level - 1]:\n                raise CommandFailed(418)\n", "",
        "pure/test_objects.py::test_a_broken_object_leaves_nothing",
    ),
    Defence(
        "object-dmacc",
        "takeover",
        "No node of an object is a DMAcc, however deep.",
        "lib/omadm/objects.py",
        '        if is_dmacc(reader.mime or b""):\n            raise CommandFailed(405)  # R45, wherever it stands\n',
        "",
        "pure/test_objects.py::test_no_object_brings_a_dmacc",
    ),
    Defence(
        "object-into-dmacc", "takeover", "No Path of an object leads into a DMAcc or the Inbox.",
        "lib/omadm/subtree.py", "        if guarded or segments[0] == b\"Inbox\":\n            raise CommandFailed(405)\n", "",
        "pure/test_objects.py::test_an_object_does_not_climb_into_an_account",
    ),
    Defence(
        "object-rights", "rights", "Replace with an object asks for Delete of what goes.",
        "lib/omadm/subtree.py", "        self.run.fields(nid, b\"Delete\", _CAN_DELETE)\n", "",
        "pure/test_objects.py::test_replace_with_an_object_asks_for_what_goes_and_comes",
    ),
    Defence(
        "inbox-right", "rights", "Who may not Add at ./Inbox brings nothing.",
        "lib/omadm/objects.py", "        if not run.may(run.tree.resolve(segments)[0], b\"Add\"):\n            raise CommandFailed(425)\n", "",
        "pure/test_objects.py::test_the_inbox_takes_nothing_else",
    ),
    Defence(
        "reference-to-nothing", "objects", "An object whose references lead to nothing is refused.",
        "lib/omadm/objects.py", "        if run.tree.find(segments) < 0:\n            raise CommandFailed(404)\n", "        pass\n",
        "pure/test_objects.py::test_a_reference_to_nothing_refuses_the_object",
    ),
    Defence(
        "one-object", "objects", "A virtual address that fits several objects reaches none.",
        "lib/omadm/virtual.py", "            if found >= 0:\n                raise CommandFailed(412)\n", "",
        "pure/test_objects.py::test_a_virtual_address_that_is_not_of_one_object",
    ),
    Defence(
        "no-guessing", "oracle", "A condition on what the server may not read is never true.",
        "lib/omadm/virtual.py", "not tree.fields(leaf) & _GET or not run.may(leaf, b\"Get\")", "False",
        "pure/test_objects.py::test_a_virtual_address_gives_no_right_and_tells_nothing",
    ),
    # -- takeover
    Defence(
        "below-dmacc", "takeover", "No command reaches a DMAcc or anything in it.",
        EXECUTOR, "        if guarded:\n            raise CommandFailed(405)\n        if depth < len(segments):", "        if depth < len(segments):",
        "pure/test_client.py::test_nothing_reaches_below_a_dmacc",
    ),
    Defence(
        "add-in-dmacc", "takeover", "Nothing is added inside a DMAcc.",
        EXECUTOR, "        if guarded or prop:\n            raise CommandFailed(405)\n        if depth == len(segments):", "        if prop:\n            raise CommandFailed(405)\n        if depth == len(segments):",
        "pure/test_rights.py::test_a_dmacc_is_out_of_reach_whatever_its_rights",
    ),
    Defence(
        "type-of-dmacc", "takeover", "No node gets the Type of a DMAcc, in either spelling.",
        EXECUTOR, "        elif mime and is_dmacc(mime):\n            raise CommandFailed(405)  # R45\n", "",
        "pure/test_client.py::test_add_leaf_interior_and_missing_parents",
    ),
    Defence(
        "old-spelling", "takeover", "The MO id of DMAcc from before 1.2 is known too.",
        "lib/omadm/store.py", " or mime == b\"org.openmobilealliance/1.0/w7\"", "",
        "pure/test_rights.py::test_a_dmacc_has_many_names",
    ),
    Defence(
        "above-dmacc", "takeover", "What holds a DMAcc or a permanent node is neither deleted nor renamed.",
        "lib/omadm/tree.py", "            if flags[nid] & (_PERMANENT | _DMACC):\n                raise CommandFailed(405)\n", "",
        "pure/test_client.py::test_nothing_reaches_below_a_dmacc",
    ),
    Defence(
        "squatter", "takeover", "A node that a server made where a permanent one belongs gives way, with its rights.",
        "lib/omadm/local.py", "                    if nid > 0 and permanent and not self.tree.fields(nid) & _PERMANENT:", "                    if False:",
        "pure/test_client.py::test_who_was_there_first_has_no_right_on_what_is_declared",
    ),
    Defence(
        "tool-accounts", "takeover", "The tool composes nothing for an account.",
        "tools/dmtool/rules.py", "    if \"DMAcc\" in segments or is_account(mime):", "    if False:", "tools/test_compose.py::test_what_the_standard_forbids_is_not_composed",
    ),
    # -- rights
    Defence(
        "acl-asked", "rights", "Every command asks the ACL.",
        EXECUTOR, "        if not self.tree.grants(nid, right, self.account.server_id):\n            raise CommandFailed(425)\n        fields", "        fields",
        "pure/test_rights.py::test_the_server_of_the_message_decides",
    ),
    Defence(
        "whole-ids", "rights", "Server names are compared as a whole.",
        "lib/omadm/acl.py", "            return server_id in row or b\"*\" in row", "            return server_id in b\"+\".join(row) or b\"*\" in row",
        "pure/test_acl.py::test_an_id_is_compared_as_a_whole",
    ),
    Defence(
        "leafs-acl", "rights", "The ACL of a leaf is its parent's matter.",
        EXECUTOR, "            if tree.fields(nid) & 15 or not allowed:", "            if not allowed:",
        "pure/test_rights.py::test_who_may_change_an_acl",
    ),
    Defence(
        "root-acl", "rights", "No server changes the ACL of the root.",
        EXECUTOR, "        elif not nid:\n            raise CommandFailed(405)\n", "",
        "pure/test_rights.py::test_who_may_change_an_acl",
    ),
    Defence(
        "rights-end", "rights", "A server whose account goes leaves no rights behind.",
        "lib/omadm/local.py", "        if gone:\n", "        if False:\n",
        "pure/test_rights.py::test_a_server_without_an_account_has_no_rights_left",
    ),
    Defence(
        "access-type", "rights", "AccessType is asked beside the ACL.",
        EXECUTOR, "        if not fields & access:\n            raise CommandFailed(405)\n", "",
        "pure/test_client.py::test_exec_runs_after_the_commit_and_once",
    ),
    Defence(
        "acl-syntax", "rights", "An ACL with a name that could be read in two ways is refused.",
        "lib/omadm/acl.py", "                if server_id != b\"*\" and not is_id(server_id):\n                    raise ValueError\n", "",
        "pure/test_acl.py::test_bad_syntax",
    ),
    # -- half
    Defence(
        "atomic", "half", "An Atomic that fails leaves nothing.",
        EXECUTOR, "                self.txn.rollback(point)\n                self.outcomes.undo(mark)", "                self.outcomes.undo(mark)",
        "pure/test_client.py::test_atomic_is_all_or_nothing",
    ),
    Defence(
        "get", "half", "A Get anywhere refuses the message whole.",
        COMMANDS, "        if tag == _T_GET:\n            raise Malformed(_GET)\n", "",
        "pure/test_client.py::test_refusals_of_whole_messages",
    ),
    Defence(
        "final", "half", "A message without Final is refused: it was cut.",
        COMMANDS, "            raise Malformed(_NO_FINAL)\n", "            pass\n",
        "pure/test_client.py::test_refusals_of_whole_messages",
    ),
    Defence(
        "same-octets", "half", "What is applied is what was proved, also where it is applied in pieces.",
        CLIENT, "                        if not push.spool.is_sealed(self.proof):\n                            raise NotAuthentic(_OTHER_OCTETS)\n", "",
        "pure/test_steps.py::test_octets_that_change_after_their_proof_are_never_applied",
    ),
    Defence(
        "commit-mark", "half", "Records count when their commit mark is there whole, by its CRC.",
        "lib/omadm/sectors.py", "        if not v[4] & _COMMIT or unpack_from(\"<I\", v, _END)[0] != crc32(self._vv[:_END]):", "        if not v[4] & _COMMIT:", "pure/test_pagelog.py::test_mark_that_comes_to_life_late_does_not_count",
    ),
    Defence(
        "crc", "half", "A record whose octets have changed in flash is not believed.",
        "lib/omadm/sectors.py", "good = unpack_from(\"<I\", v, last - 4)[0] == crc32(self._vv[pos : last - 4], number)", "good = True", "pure/test_pagelog.py::test_flipped_bits_are_seen_and_cost_little",
    ),
    # -- oracle
    Defence(
        "unknown-user", "oracle", "A name that nobody has costs the same hashes as a wrong MAC.",
        AUTH, "    if not known:  # the same work as for a user who exists\n        same(", "    if False:\n        same(",
        "pure/test_auth.py::test_unknown_user_costs_the_same_hashes",
    ),
    Defence(
        "one-outcome", "oracle", "Whatever is wrong with an encrypted value has one outcome.",
        "lib/omadm/xmlenc.py", "    except (ValueError, IndexError):\n        raise CommandFailed(415)", "    except IndexError:\n        raise CommandFailed(500)\n    except ValueError:\n        raise CommandFailed(415)",
        "pure/test_xmlenc.py::test_whatever_is_wrong_has_one_outcome",
    ),
    Defence(
        "padding", "oracle", "The padding of an encrypted value is checked.",
        "lib/omadm/xmlenc.py", "    if not 0 < pad <= _IV:\n        raise ValueError\n", "",
        "pure/test_xmlenc.py::test_whatever_is_wrong_has_one_outcome",
    ),
    Defence(
        "key-of-one-message", "oracle", "A key made for one message opens no other.",
        "lib/omadm/xmlenc.py", "        number = b\":%X:%d\" % (run.outcome.session, run.outcome.msg)", "        number = b\":%X:%d\" % (1, 1)",
        "pure/test_xmlenc.py::test_only_the_message_it_was_made_for_opens_it",
    ),
    Defence(
        "secrets-masked", "oracle", "Secrets are masked wherever the tool shows a tree.",
        "tools/dmtool/image.py", "        masked = not interior and (", "        masked = False and (", "tools/test_image.py::test_secrets_are_masked_for_people_and_programs",
    ),
)  # fmt: skip

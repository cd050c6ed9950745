# The device's verdict on signed messages, under MicroPython:
#
#     micropython on_micropython.py FOLDER_OF_LIB CASES
#
# A case is a line of words in hexadecimal ("-" for nothing): AAuthType, user name, key, nonce, public key,
# message.
# One line for each: "yes", or "no" with the code. Ends with the octets of heap that are free.
import gc
import sys
from binascii import unhexlify


class Account:
    """What the device keeps of an account."""

    def __init__(self, words):
        self.auth_type, self.name, self.key, self.nonce, self.public = words


def main(lib, path):
    sys.path.insert(0, lib)
    from omadm.errors import Malformed, NotAuthentic, TooLarge
    from omadm.signature import Proof

    with open(path) as cases:
        for line in cases:
            words = [b"" if word == "-" else unhexlify(word) for word in line.split()]
            account = Account(words[:5])
            try:
                proof = Proof([account], len(words[5]))
                proof.parser.feed(words[5], 0, len(words[5]))
                print("yes" if proof.close() is account else "nobody")
            except (Malformed, NotAuthentic, TooLarge) as refusal:
                print("no", refusal.args[0])
    gc.collect()
    print("free", gc.mem_free())


main(sys.argv[1], sys.argv[2])

# omadm: a client for the OMA DM Sessionless Command Message 1.3.
# Import what you use (`from omadm.client import Client`): nothing runs at import.

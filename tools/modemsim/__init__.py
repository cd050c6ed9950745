"""A simulated AT modem that receives and sends SMS in PDU mode, with the ways of several makers.

    families   what differs from maker to maker, as data
    pdu        the little of SMS PDUs a modem and its network look at
    modem      one modem: commands, stores, indications, faults
    network    carries SMS between modems and tries again
    serve      TCP and pty, the control channel, the command line

Shares no code with the device: each checks the other. Kannel and Gammu check both.
"""

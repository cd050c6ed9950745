#!/bin/sh
# Makes the vectors 01-08 from their .xml with libwbxml's xml2wbxml (Debian: libwbxml2-utils; these came
# from 0.11.8+dfsg-3). -n leaves the string table out, -v is the WBXML version. Run it in this folder.
set -e
for version in 1.1 1.2 1.3; do
    xml2wbxml -v "$version" -n -o "01-commands.v$version.n.wbxml" 01-commands.xml
done
xml2wbxml -v 1.2 -o 01-commands.v1.2.strtbl.wbxml 01-commands.xml
for name in 03-tnds-inline 04-tnds-cdata 05-tnds-alone 06-nodoctype 07-property-acl; do
    xml2wbxml -v 1.2 -n -o "$name.v1.2.n.wbxml" "$name.xml"
done
xml2wbxml -v 1.3 -n -o 08-tnds-two-mos-inbox-ref.v1.3.n.wbxml 08-tnds-two-mos-inbox-ref.xml

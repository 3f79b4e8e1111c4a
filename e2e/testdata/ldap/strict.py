"""ldap3, which knows no attribute that is not in the schema, as web portals use it: what they
all ask in TestLDAPClients, as JSON. It reads the schema at each bind."""
import json
import ssl
import sys
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPInvalidCredentialsResult

q = json.load(sys.stdin)
trust = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=q["ca"])


def server(uri):
    at = urlsplit(uri)
    return ldap3.Server(at.hostname, port=at.port, use_ssl=at.scheme == "ldaps", tls=trust, get_info=ldap3.ALL)


def connect(s, secret, bind=ldap3.AUTO_BIND_NO_TLS):
    return ldap3.Connection(s, q["bind_dn"], secret, auto_bind=bind, check_names=True, raise_exceptions=True)


def ids(c, filter):
    c.search(q["base"], filter, attributes=["uid"])
    return [e.uid.value for e in c.entries if "uid" in e]


s = server(q["ldaps"])
try:
    connect(s, "wrong")
    wrong = 0
except LDAPInvalidCredentialsResult as e:
    wrong = e.result
c = connect(s, q["secret"])
c.rebind(user=q["bind_dn"], password=q["secret"])
pages = c.extend.standard.paged_search(q["base"], "(objectClass=person)", attributes=["uid"], paged_size=q["page"])
plain = connect(server(q["plain"]), q["secret"], ldap3.AUTO_BIND_TLS_BEFORE_BIND)
print(json.dumps({
    "naming": s.info.naming_contexts, "wrong": wrong, "schema": [a in s.schema.attribute_types for a in q["attributes"]],
    "who": c.extend.standard.who_am_i(), "byName": ids(c, q["name"]), "byNumber": ids(c, q["number"]),
    "startTLS": ids(plain, q["name"]), "paged": sum(1 for _ in pages),
}))

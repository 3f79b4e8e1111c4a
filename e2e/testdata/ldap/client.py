"""python3-ldap, as scripts use it: what they all ask in TestLDAPClients, as JSON."""
import json
import sys

import ldap
from ldap.controls import SimplePagedResultsControl
from ldap.schema import SubSchema

q = json.load(sys.stdin)


def connect(uri):
    c = ldap.initialize(uri)
    c.set_option(ldap.OPT_X_TLS_CACERTFILE, q["ca"])
    c.set_option(ldap.OPT_X_TLS_NEWCTX, 0)  # makes the options before it count
    return c


def ids(c, filter):
    found = c.search_s(q["base"], ldap.SCOPE_SUBTREE, filter, ["uid"])
    return [e["uid"][0].decode() for _, e in found if "uid" in e]


def paged(c):
    n, cookie = 0, b""
    while True:
        control = SimplePagedResultsControl(True, size=q["page"], cookie=cookie)
        m = c.search_ext(q["base"], ldap.SCOPE_SUBTREE, "(objectClass=person)", ["uid"], serverctrls=[control])
        _, found, _, controls = c.result3(m)
        n += len(found)
        cookie = [x for x in controls if x.controlType == SimplePagedResultsControl.controlType][0].cookie
        if not cookie:
            return n


def subschema(c):
    dn = c.search_subschemasubentry_s()
    if dn is None:
        return []
    s = SubSchema(c.read_subschemasubentry_s(dn))
    return [s.get_obj(ldap.schema.AttributeType, a) is not None for a in q["attributes"]]


c = connect(q["ldaps"])
naming = c.read_rootdse_s(attrlist=["namingContexts"])["namingContexts"]
try:
    c.simple_bind_s(q["bind_dn"], "wrong")
    wrong = 0
except ldap.INVALID_CREDENTIALS as e:
    wrong = e.args[0]["result"]
c.simple_bind_s(q["bind_dn"], q["secret"])
plain = connect(q["plain"])
plain.start_tls_s()
plain.simple_bind_s(q["bind_dn"], q["secret"])
print(json.dumps({
    "naming": [v.decode() for v in naming], "wrong": wrong, "schema": subschema(c), "who": c.whoami_s(),
    "byName": ids(c, q["name"]), "byNumber": ids(c, q["number"]), "startTLS": ids(plain, q["name"]), "paged": paged(c),
}))

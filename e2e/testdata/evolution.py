"""Evolution's data server, driven as Evolution drives it.

evolution.py LOGIN SECRET: opens the address book of the source "ringbook". For
each line on standard input it searches the book for what the line says, or
refreshes it if that is "refresh", and prints one JSON line: whether the book is
read-only, how many cards it has, and the cards by their names (of two people
with one name, one). A password that is refused is not typed again: that is a
line, too.
"""
import json
import sys

import gi

gi.require_version("EDataServer", "1.2")
gi.require_version("EBook", "1.2")
from gi.repository import EBook, EDataServer, GLib  # noqa: E402

login, secret = sys.argv[1:3]
credentials = EDataServer.NamedParameters.new()
credentials.set("username", login)
credentials.set("password", secret)

registry = EDataServer.SourceRegistry.new_sync(None)  # its source is deaf once it is collected
source = registry.ref_source("ringbook")


def authenticate(source, reason, *_):
    if reason == EDataServer.SourceCredentialsReason.REJECTED:
        print(json.dumps({"error": "the password is refused"}), flush=True)
    else:
        source.invoke_authenticate_sync(credentials, None)


source.connect("credentials-required", authenticate)
loop = GLib.MainLoop()


def answer(book, query):
    if query == "refresh":
        book.refresh_sync(None)
        query = '(contains "x-evolution-any-field" "")'
    _, contacts = book.get_contacts_sync(query, None)
    cards = {c.get_property("full-name"): c.to_string(1) for c in contacts}
    print(json.dumps({"readonly": book.is_readonly(), "count": len(contacts), "cards": cards}), flush=True)


def line(channel, condition, book):
    query = sys.stdin.readline()
    if query == "":
        loop.quit()
        return False
    try:
        answer(book, query.strip())
    except GLib.Error as e:
        print(json.dumps({"error": e.message}), flush=True)
    return True


def connected(_, result):
    book = EBook.BookClient.connect_finish(result)
    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, line, book)


EBook.BookClient.connect(source, 30, None, connected)
loop.run()

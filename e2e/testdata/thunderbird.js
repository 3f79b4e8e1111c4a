// Runs inside Thunderbird. Arguments: URL, login, secret, and a sync token to take
// for the book's own; "" = none. The first call finds and creates the book as the
// set-up dialogue does; each call brings it up to date and returns what the address
// book shows.
const [url, login, secret, token] = arguments;
const done = arguments[arguments.length - 1];
(async () => {
  const { CardDAVUtils } = ChromeUtils.importESModule("resource:///modules/CardDAVUtils.sys.mjs");
  const { CardDAVDirectory } = ChromeUtils.importESModule("resource:///modules/CardDAVDirectory.sys.mjs");
  const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
  const ours = () => MailServices.ab.directories.find(d => d.getStringValue("carddav.url", "").startsWith(url));
  if (!ours()) {
    const info = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
    info.init(new URL(url).origin, null, "Ringbook", login, secret, "", "");
    await Services.logins.addLoginAsync(info);
    const books = await CardDAVUtils.detectAddressBooks(login, secret, url, false);
    if (books.length != 1) {
      throw new Error(`found ${books.length} books`);
    }
    await books[0].create();
  }
  const dir = ours();
  const book = CardDAVDirectory.forFile(dir.fileName);
  if (token) {
    book._syncToken = token;
  }
  if (book._syncToken) {
    await book.syncWithServer();
  } else {
    await book.fetchAllFromServer();
  }
  const cards = {};
  for (const card of dir.childCards) {
    cards[card.displayName] = {
      tel: card.vCardProperties.getAllValues("tel"),
      photo: card.vCardProperties.getFirstValue("photo") ? true : false,
    };
  }
  return { name: dir.dirName, readOnly: dir.readOnly, token: book._syncToken, count: dir.childCards.length, cards };
})().then(done, e => done({ error: `${e} ${e.stack}` }));

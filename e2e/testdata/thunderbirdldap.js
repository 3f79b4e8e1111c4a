// Runs inside Thunderbird, on the LDAP directory that a kit set up. Arguments: what to
// do, a text for it, and the passwords that somebody types, one each time that
// Thunderbird asks; asked more often, that somebody gives up. What is shown in the end
// is left with the main window, because no script may go on while a dialogue is open:
// called with nothing to do, this one returns it, null = it is not there yet.
const [what, text, passwords] = arguments;
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const dir = MailServices.ab.getDirectory("moz-abldapdirectory://ldap_2.servers.ringbook").QueryInterface(Ci.nsIAbLDAPDirectory);
const main = Services.wm.getMostRecentWindow("mail:3pane");
let asked = 0;

// somebody answers the password dialogue.
const somebody = {
  observe(window) {
    const { ui } = window.Dialog;
    const password = passwords[asked++];
    if (password === undefined) {
      ui.button1.click();
      return;
    }
    ui.password1Textbox.value = password;
    ui.button0.click();
  },
};

// show is what the address book makes of cards, whether they are kept or just found.
function show(cards) {
  const { VCardProperties } = ChromeUtils.importESModule("resource:///modules/VCardUtils.sys.mjs");
  const shown = {};
  for (const card of cards) {
    const vcard = card.supportsVCard
      ? card.vCardProperties
      : VCardProperties.fromPropertyMap(new Map(card.properties.map(p => [p.name, p.value])));
    shown[card.displayName] = {
      given: card.firstName, surname: card.lastName, mail: card.emailAddresses,
      phones: vcard.getAllEntries("tel").map(e => `${e.params.type}: ${e.value}`),
      title: vcard.getFirstValue("title"), organisation: [vcard.getFirstValue("org") ?? []].flat(),
    };
  }
  return { count: cards.length, cards: shown };
}

const work = {
  // Settings > Certificates > Authorities > Import. Marionette, which steers it, has
  // passwords not kept.
  async trust() {
    Services.prefs.setBoolPref("signon.rememberSignons", true);
    Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(text, "C,,");
    return { ok: true, name: dir.dirName };
  },
  // The field above the address book.
  search() {
    const { getSearchTokens, getModelQuery, generateQueryURI } = ChromeUtils.importESModule("resource:///modules/ABQueryUtils.sys.mjs");
    const query = generateQueryURI(getModelQuery("mail.addr_book.quicksearchquery.format"), getSearchTokens(text)).slice(1);
    const cards = [];
    return new Promise(resolve => dir.search(query, text, {
      onSearchFoundCard: card => cards.push(card),
      onSearchFinished: status => resolve({ ok: Components.isSuccessCode(status), ...show(cards) }),
    }));
  },
  // The field of those who get a message.
  complete() {
    const search = Cc["@mozilla.org/autocomplete/search;1?name=ldap"].createInstance(Ci.nsIAutoCompleteSearch);
    return new Promise(resolve => search.startSearch(text, JSON.stringify({ type: "addr_to" }), null, {
      onSearchResult(_, result) {
        const lines = Array.from({ length: result.matchCount }, (_, i) => result.getValueAt(i));
        resolve({ ok: result.searchResult != Ci.nsIAutoCompleteResult.RESULT_FAILURE, lines, count: lines.length });
      },
    }));
  },
  // Properties > Offline > Download Now, and then the book without a network.
  async download() {
    const service = Cc["@mozilla.org/addressbook/ldap-replication-service;1"].getService(Ci.nsIAbLDAPReplicationService);
    const ok = await new Promise(resolve => service.startReplication(dir, {
      QueryInterface: ChromeUtils.generateQI(["nsIWebProgressListener", "nsISupportsWeakReference"]),
      onStateChange(_, request, state, status) {
        if (state & Ci.nsIWebProgressListener.STATE_STOP) {
          resolve(Components.isSuccessCode(status));
        }
      },
      onProgressChange() {},
    }));
    Services.io.offline = true;
    try {
      return { ok, ...show(dir.childCards) };
    } finally {
      Services.io.offline = false;
    }
  },
};

if (what) {
  main.ringbook = null;
  Services.obs.addObserver(somebody, "common-dialog-loaded");
  work[what]()
    .catch(e => ({ error: `${e} ${e.stack}` }))
    .then(shown => {
      Services.obs.removeObserver(somebody, "common-dialog-loaded");
      main.ringbook = { ...shown, asked };
    });
}
return main.ringbook;

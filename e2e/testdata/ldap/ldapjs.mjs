// ldapjs, which nobody keeps any more and many phone portals still use: what they
// all ask in TestLDAPClients, as JSON.
import { readFileSync } from "node:fs";
import ldap from "ldapjs";

const q = JSON.parse(readFileSync(0, "utf8"));
const ca = [readFileSync(q.ca)];
const connect = (url) => {
  const c = ldap.createClient({ url, tlsOptions: { ca } });
  c.on("error", (e) => { throw e; });
  return c;
};
const call = (c, name, ...args) => new Promise((done, fail) => c[name](...args, (e, v) => (e ? fail(e) : done(v))));
const search = async (c, base, options) => {
  const found = [];
  const answer = await call(c, "search", base, options);
  answer.on("searchEntry", (e) => found.push(Object.fromEntries(e.pojo.attributes.map((a) => [a.type, a.values]))));
  return new Promise((done, fail) => answer.on("error", fail).on("end", () => done(found)));
};
const ids = async (c, filter) => (await search(c, q.base, { scope: "sub", filter, attributes: ["uid"] })).flatMap((e) => e.uid ?? []);

const c = connect(q.ldaps);
const root = (await search(c, "", { scope: "base", filter: "(objectClass=*)", attributes: ["namingContexts"] }))[0];
const wrong = await call(c, "bind", q.bind_dn, "wrong").then(() => 0, (e) => e.code);
await call(c, "bind", q.bind_dn, q.secret);
const plain = connect(q.plain);
await call(plain, "starttls", { ca }, []);
await call(plain, "bind", q.bind_dn, q.secret);
const paged = await search(c, q.base, { scope: "sub", filter: "(objectClass=person)", attributes: ["uid"], paged: { pageSize: q.page } });
console.log(JSON.stringify({
  naming: root.namingContexts, wrong, byName: await ids(c, q.name), byNumber: await ids(c, q.number), startTLS: await ids(plain, q.name), paged: paged.length,
}));
c.unbind();
plain.unbind();

// ldapts: what they all ask in TestLDAPClients, as JSON.
import { readFileSync } from "node:fs";
import { Client, InvalidCredentialsError } from "ldapts";

const q = JSON.parse(readFileSync(0, "utf8"));
const tlsOptions = { ca: [readFileSync(q.ca)] };
const ids = async (c, filter) =>
  (await c.search(q.base, { scope: "sub", filter, attributes: ["uid"] })).searchEntries.map((e) => e.uid).filter((id) => id.length > 0);

const c = new Client({ url: q.ldaps, tlsOptions });
const root = (await c.search("", { scope: "base", filter: "(objectClass=*)", attributes: ["namingContexts", "subschemaSubentry"] })).searchEntries[0];
let wrong = 0;
try {
  await c.bind(q.bind_dn, "wrong");
} catch (e) {
  wrong = e instanceof InvalidCredentialsError ? e.code : -1;
}
await c.bind(q.bind_dn, q.secret);
const plain = new Client({ url: q.plain });
await plain.startTLS(tlsOptions);
await plain.bind(q.bind_dn, q.secret);
let paged = 0;
for await (const page of c.searchPaginated(q.base, { scope: "sub", filter: "(objectClass=person)", attributes: ["uid"], paged: { pageSize: q.page } })) {
  paged += page.searchEntries.length;
}
console.log(JSON.stringify({
  naming: [root.namingContexts].flat(), wrong, byName: await ids(c, q.name), byNumber: await ids(c, q.number), startTLS: await ids(plain, q.name), paged,
}));
await c.unbind();
await plain.unbind();

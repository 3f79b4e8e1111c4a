// One round of tsdav, as an app in JavaScript does it: reads {url, login, secret,
// books} as JSON, and writes what it knows after it, {books, changes, refused}. With
// no books it finds them and reads them whole; with those of an earlier round it asks
// what has changed. It tries to write to the first card, too.
import {readFileSync} from 'node:fs';
import {DAVClient} from 'tsdav';

const {url, login, secret, books: known} = JSON.parse(readFileSync(0, 'utf8'));
const client = new DAVClient({
  serverUrl: url,
  credentials: {username: login, password: secret},
  authMethod: 'Basic',
  defaultAccountType: 'carddav',
});
await client.login();

const books = [];
const changes = {};
for (const book of known ?? await client.fetchAddressBooks()) {
  if (known) {
    const collection = {...book, objectMultiGet: (p) => client.addressBookMultiGet(p)};
    changes[book.url] = (await client.smartCollectionSyncDetailed({collection})).objects;
    books.push(await client.smartCollectionSync({collection}));
  } else {
    books.push({...book, objects: await client.fetchVCards({addressBook: book})});
  }
}

const refused = [];
for (const vCard of books[0].objects.slice(0, 1)) {
  for (const reply of [
    await client.createVCard({addressBook: books[0], filename: 'made-up.vcf', vCardString: vCard.data}),
    await client.updateVCard({vCard: {...vCard, data: vCard.data.replace(/^FN:.*$/m, 'FN:Somebody Else')}}),
    await client.deleteVCard({vCard}),
  ]) {
    refused.push(reply.status);
  }
}
process.stdout.write(JSON.stringify({books, changes, refused}));

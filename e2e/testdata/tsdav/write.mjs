// A life of two cards, as an app in JavaScript writes it: reads {url, login, secret,
// cards} as JSON and writes what it was answered. After each step it asks what has
// changed since the one before, so that every write is seen in a sync, too.
import {readFileSync} from 'node:fs';
import {DAVClient} from 'tsdav';

const {url, login, secret, cards} = JSON.parse(readFileSync(0, 'utf8'));
const client = new DAVClient({
  serverUrl: url,
  credentials: {username: login, password: secret},
  authMethod: 'Basic',
  defaultAccountType: 'carddav',
});
await client.login();
let [book] = await client.fetchAddressBooks();
book = {...book, objects: await client.fetchVCards({addressBook: book}), objectMultiGet: (p) => client.addressBookMultiGet(p)};

const steps = [];
const step = async (name, reply) => {
  const {created, updated, deleted} = (await client.smartCollectionSyncDetailed({collection: book})).objects;
  const names = (list) => list.map((o) => o.url.split('/').pop()).sort();
  steps.push({name, status: reply.status, created: names(created), updated: names(updated), deleted: names(deleted)});
  book = {...book, ...await client.smartCollectionSync({collection: book}), objectMultiGet: book.objectMultiGet};
};
const held = (name) => book.objects.find((o) => o.url.endsWith(name));

const [ada, bob, changed] = cards;
await step('create', await client.createVCard({addressBook: book, filename: 'ada.vcf', vCardString: ada}));
await step('create again', await client.createVCard({addressBook: book, filename: 'ada.vcf', vCardString: ada}));
await step('create another', await client.createVCard({addressBook: book, filename: 'bob.vcf', vCardString: bob}));
const stale = held('ada.vcf');
await step('update', await client.updateVCard({vCard: {...stale, data: changed}}));
await step('update what is stale', await client.updateVCard({vCard: {...stale, data: ada}}));
const shown = held('ada.vcf').data;
await step('delete what is stale', await client.deleteVCard({vCard: stale}));
await step('delete', await client.deleteVCard({vCard: held('ada.vcf')}));
await step('delete again', await client.deleteVCard({vCard: {url: book.url + 'ada.vcf'}}));
await step('delete the other', await client.deleteVCard({vCard: held('bob.vcf')}));
process.stdout.write(JSON.stringify({steps, shown, left: book.objects.length}));

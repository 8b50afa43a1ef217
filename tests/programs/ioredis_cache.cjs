// A client-side cache as users of ioredis build one (RESP 2): a Map, and a second connection that listens to
// __redis__:invalidate, to which the first one redirects; played by caches.cjs. ioredis is found by NODE_PATH.

const Redis = require('ioredis');
const { assert, cost, forgets, run, until } = require('./caches.cjs');

class Cache {
  constructor(url, words) {
    this.held = new Map();
    this.words = words;
    this.heard = []; // all keys that were told of
    this.listenerId = null; // while it listens
    this.tracks = false; // while what is read may be held
    this.listener = new Redis(url, { autoResubscribe: false });
    this.reader = new Redis(url);
    this.listener.on('messageBuffer', (channel, keys) => this.forget(keys && keys.map(String)));
    this.listener.on('ready', () => this.listen().catch(complain));
    this.reader.on('ready', () => this.track().catch(complain));
    for (const client of [this.listener, this.reader]) {
      client.on('error', complain);
      client.on('close', () => {
        this.tracks = false;
        this.held.clear();
      });
    }
    this.listener.on('close', () => (this.listenerId = null));
  }

  async listen() {
    const id = await this.listener.client('ID');
    await this.listener.subscribe('__redis__:invalidate');
    this.listenerId = id;
    await this.track();
  }

  async track() {
    const id = this.listenerId;
    if (id === null || this.reader.status !== 'ready') return;
    await this.reader.client('TRACKING', 'ON', 'REDIRECT', id, ...this.words);
    this.tracks = id === this.listenerId;
  }

  forget(keys) {
    this.heard.push(...(keys ?? ['everything']));
    if (keys) keys.forEach((key) => this.held.delete(key));
    else this.held.clear();
  }

  // What is told of before the reply is there must not be held: the Map has a mark meanwhile.
  async get(key) {
    const found = this.held.get(key);
    if (found && 'value' in found) return found.value;
    const mark = {};
    if (this.tracks) this.held.set(key, mark);
    const value = await this.ask(key);
    if (this.held.get(key) === mark) this.held.set(key, { value });
    return value;
  }

  async ask(key) {
    if (!this.words.includes('OPTIN')) return this.reader.get(key);
    const [, [, value]] = await this.reader.pipeline().client('CACHING', 'YES').get(key).exec();
    return value;
  }

  size() {
    return this.held.size;
  }

  call(...words) {
    return this.reader.call(...words);
  }

  async connections() {
    return [await this.reader.client('ID'), this.listenerId];
  }
}

function complain(error) {
  console.log(`error: ${error.message}`);
}

const WORDS = {
  broadcast: ['BCAST', 'PREFIX', 'user:', 'PREFIX', 'item:'],
  quiet: ['NOLOOP'],
  chosen: ['OPTIN'],
};

async function open(url, scenario) {
  const plain = new Redis(url);
  const cache = new Cache(url, WORDS[scenario] ?? []);
  await until(() => cache.tracks, 'it tracks');
  const close = () => [plain, cache.reader, cache.listener].forEach((client) => client.disconnect());
  return { cache, other: (...words) => plain.call(...words), close };
}

run(open, {
  // Every change of a key with one of the prefixes is told, read before or not, and no other.
  async broadcast({ cache, other }) {
    await other('MSET', 'user:1', '1', 'elsewhere', '1', 'item:1', '2');
    await until(() => cache.heard.length === 2, 'both are told of');
    assert.deepEqual([await cache.get('user:1'), await cache.get('item:1')], ['1', '2']);
    assert.equal(await cost(other, () => cache.get('user:1')), 0);
    await other('SET', 'elsewhere', '2');
    await other('MSET', 'user:1', '3', 'user:2', '3');
    await until(() => cache.heard.length === 4, 'both are told of');
    assert.equal(cache.size(), 1);
    assert.equal(await cache.get('user:1'), '3');
    await other('DEL', 'item:1', 'elsewhere');
    await until(() => cache.size() === 1, 'the item is forgotten');
    await other('FLUSHALL');
    await forgets(cache, 'FLUSHALL');
    assert.deepEqual(cache.heard.sort(), [
      'everything', 'item:1', 'item:1', 'user:1', 'user:1', 'user:2',
    ]);
  },

  // With NOLOOP its own changes are not told, those of others are.
  async quiet({ cache, other }) {
    await cache.call('SET', 'k', '1');
    assert.equal(await cache.get('k'), '1');
    await cache.call('SET', 'k', '2');
    await cache.get('l');
    await other('SET', 'l', '1');
    await until(() => cache.heard.length > 0, 'a change by another is told of');
    assert.deepEqual(cache.heard, ['l']);
  },

  // With OPTIN only what was read after CLIENT CACHING YES is told of.
  async chosen({ cache, other }) {
    await other('MSET', 'k', '1', 'l', '1');
    assert.equal(await cache.call('GET', 'l'), '1');
    assert.equal(await cache.get('k'), '1');
    await other('MSET', 'l', '2', 'k', '2');
    await forgets(cache, 'MSET');
    assert.deepEqual(cache.heard, ['k']);
    assert.equal(await cache.get('k'), '2');
  },
});

// The client-side cache of node-redis (RESP 3: what changed comes on the connection that read it), played by caches.cjs.
// node-redis is found by NODE_PATH.

const { BasicClientSideCache, BasicPooledClientSideCache, createClient, createClientPool } = require('redis');
const { assert, cost, forgets, run } = require('./caches.cjs');

const connect = (client) => client.on('error', (error) => console.log(`error: ${error.message}`)).connect();

async function open(url, scenario) {
  const plain = await connect(createClient({ url }));
  const other = (...words) => plain.sendCommand(words);
  if (scenario === 'pool') {
    const held = new BasicPooledClientSideCache();
    const pool = await connect(createClientPool({ url, RESP: 3 }, { minimum: 2, maximum: 2, clientSideCache: held }));
    return { pool, held, other, close: () => Promise.all([pool.close(), plain.close()]) };
  }
  const held = new BasicClientSideCache();
  const client = await connect(createClient({ url, RESP: 3, clientSideCache: held }));
  const cache = {
    get: (key) => client.get(key),
    size: () => held.size(),
    call: (...words) => client.sendCommand(words),
    connections: async () => [await client.sendCommand(['CLIENT', 'ID'])],
  };
  return { client, cache, held, other, close: () => Promise.all([client.close(), plain.close()]) };
}

// Commands it caches: what it calls, what it expects, a change, and what it expects after that.
const READS = [
  [(client) => client.mGet(['a', 'b']), [null, null], ['SET', 'b', '1'], [null, '1']],
  [(client) => client.hGetAll('h'), {}, ['HSET', 'h', 'f', '1'], { f: '1' }],
  [(client) => client.hGet('h', 'f'), '1', ['HINCRBY', 'h', 'f', '2'], '3'],
  [(client) => client.lRange('l', 0, -1), [], ['RPUSH', 'l', 'x', 'y'], ['x', 'y']],
  [(client) => client.sMembers('s'), [], ['SADD', 's', 'x'], ['x']],
  [(client) => client.zRangeWithScores('z', 0, -1), [], ['ZADD', 'z', '1.5', 'x'], [{ value: 'x', score: 1.5 }]],
  [(client) => client.xLen('x'), 0, ['XADD', 'x', '1-1', 'f', '1'], 1],
  [(client) => client.getBit('bits', 0), 0, ['SETBIT', 'bits', '0', '1'], 1],
  [(client) => client.exists('e'), 0, ['SET', 'e', '1'], 1],
  [(client) => client.type('e'), 'string', ['DEL', 'e'], 'none'],
];

run(open, {
  // All it caches, not only strings: asked for once, and once more after a change.
  async reads({ client, cache, held, other }) {
    for (const [read, before, change, after] of READS) {
      const gives = (expected) => async () => assert.deepEqual(structuredClone(await read(client)), expected);
      held.clear();
      assert.equal(await cost(other, gives(before)), 1, change);
      assert.equal(await cost(other, gives(before)), 0, change);
      await other(...change);
      await forgets(cache, change);
      assert.equal(await cost(other, gives(after)), 1, change);
      assert.equal(await cost(other, gives(after)), 0, change);
    }
  },

  // The clients of a pool share what is held: whoever read it is told of the change.
  async pool({ pool, held, other }) {
    const size = () => held.size();
    await other('MSET', 'a', '1', 'b', '2');
    const both = () => Promise.all(['a', 'b', 'a', 'b'].map((key) => pool.get(key)));
    assert.deepEqual(await both(), ['1', '2', '1', '2']);
    assert.equal(await cost(other, both), 0);
    await other('MSET', 'a', '3', 'b', '4');
    await forgets({ size }, 'MSET');
    assert.deepEqual(await both(), ['3', '4', '3', '4']);
    assert.equal(await cost(other, both), 0);
  },
});

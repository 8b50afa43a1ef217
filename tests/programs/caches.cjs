// What is asked of every client-side cache: ioredis_cache.cjs and node_redis_cache.cjs open one and play a scenario on it,
// `node PROGRAM URL SCENARIO SECONDS`, where SECONDS is how long to wait for anything; status 0 when all is as it should be.
//
// A cache has get(key), which asks the server for what it does not hold; size(), how many values it holds; call(words),
// a command on the connection that is tracked; and connections(), the ids of the connections it lives on.
// `other` sends the commands of a client without a cache.

const assert = require('node:assert/strict');

const [, , url, scenario, seconds] = process.argv;

async function until(condition, what) {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    assert(Date.now() < end, `not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const forgets = (cache, what) => until(() => cache.size() === 0, `nothing is left in the cache after ${what}`);

// How many commands the server has run, but for the INFOs that ask for it.
async function commands(other) {
  const found = (await other('INFO', 'commandstats')).matchAll(/^cmdstat_(?!info:)\S+?:calls=(\d+)/gm);
  return [...found].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

// How many commands the server has run for `work`.
async function cost(other, work) {
  const before = await commands(other);
  await work();
  return (await commands(other)) - before;
}

const CHANGES = [
  ['SET', 'k', '2'], ['APPEND', 'k', 'x'], ['INCR', 'k'], ['DEL', 'k'], ['GETDEL', 'k'], ['MOVE', 'k', '1'],
  ['EXPIRE', 'k', '100'], ['PEXPIREAT', 'k', '1'], ['RENAME', 'l', 'k'], ['RENAME', 'k', 'm'],
  ['COPY', 'l', 'k', 'REPLACE'], ['EVAL', "redis.call('SET', KEYS[1], 'x')", '1', 'k'],
];

const scenarios = {
  // What is held is not asked for again, also that a key does not exist; a change of one key spoils only that.
  async hits({ cache, other }) {
    const read = async (...values) => {
      for (const [i, key] of ['a', 'b', 'c'].entries()) assert.equal(await cache.get(key), values[i]);
    };
    await other('MSET', 'a', '1', 'b', '2');
    assert.equal(await cost(other, () => read('1', '2', null)), 3);
    for (let i = 0; i < 5; i++) assert.equal(await cost(other, () => read('1', '2', null)), 0);
    await other('SET', 'c', '3');
    await until(() => cache.size() === 2, 'the key that changed is forgotten');
    assert.equal(await cost(other, () => read('1', '2', '3')), 1);
  },

  // After a change by another client the value is asked for once, and is what it should be.
  async changes({ cache, other }) {
    for (const change of CHANGES) {
      await other('MSET', 'k', '1', 'l', '5');
      await forgets(cache, 'MSET');
      assert.equal(await cache.get('k'), '1');
      assert.equal(cache.size(), 1);
      await other(...change);
      await forgets(cache, change);
      const expected = await other('GET', 'k');
      const read = async () => assert.equal(await cache.get('k'), expected, change);
      assert.equal(await cost(other, read), 1);
      assert.equal(await cost(other, read), 0);
    }
  },

  // Changes by the connection that is tracked are told as well, unless it asked for NOLOOP.
  async own({ cache }) {
    await cache.call('SET', 'k', '1');
    assert.equal(await cache.get('k'), '1');
    await cache.call('SET', 'k', '2');
    await forgets(cache, 'a change of its own');
    assert.equal(await cache.get('k'), '2');
  },

  // A key that nobody touches expires by itself, and is told then.
  async expiry({ cache, other }) {
    for (let ms = 100; ; ms *= 2) {
      await other('SET', 'k', '1', 'PX', ms.toString());
      if ((await cache.get('k')) === '1') break;
      await other('SET', 'k', '1'); // too late on a busy machine: once more, with more time
      await forgets(cache, 'SET');
    }
    assert.equal(await cost(other, () => forgets(cache, 'its expiry')), 0);
    assert.equal(await cache.get('k'), null);
  },

  // An emptied server empties the cache.
  async flush({ cache, other }) {
    for (const flush of [['FLUSHALL'], ['FLUSHDB'], ['FLUSHALL', 'ASYNC']]) {
      await other('MSET', 'a', '1', 'b', '2');
      assert.deepEqual([await cache.get('a'), await cache.get('b')], ['1', '2']);
      assert.equal(cache.size(), 2);
      await other(...flush);
      await forgets(cache, flush);
      assert.equal(await cache.get('a'), null);
      await other('SET', 'a', '3');
      await forgets(cache, 'SET');
    }
  },

  // Whichever of its connections is killed: it forgets all, and keeps what it reads once it is told of changes again.
  async reconnect({ cache, other }) {
    for (const i of (await cache.connections()).keys()) {
      await other('SET', 'k', '1');
      await until(async () => (await cache.get('k')) === '1' && cache.size() === 1, 'it is held');
      const id = (await cache.connections())[i];
      assert.equal(await other('CLIENT', 'KILL', 'ID', id.toString()), 1);
      await forgets(cache, 'the end of its connection');
      await other('SET', 'k', '2');
      await until(async () => (await cache.get('k')) === '2' && cache.size() === 1, 'it is held again');
      assert.equal(await cost(other, () => cache.get('k')), 0);
      await other('SET', 'k', '3');
      await forgets(cache, 'SET');
      assert.equal(await cache.get('k'), '3');
    }
  },
};

// `open(url, scenario)` gives a cache, other, and close(); `more` are scenarios of its own.
async function play(open, more) {
  const opened = await open(url, scenario);
  await { ...scenarios, ...more }[scenario](opened);
  await opened.close();
}

function run(open, more = {}) {
  play(open, more).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = { assert, commands, cost, forgets, run, until };

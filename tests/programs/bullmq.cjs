// What test_bullmq runs: `node bullmq.cjs work URL` is a worker, `node bullmq.cjs play URL SCENARIO` sends jobs and
// looks at what becomes of them; it ends with status 0 when all is as it should be. BullMQ is found by NODE_PATH.

const assert = require('node:assert/strict');
const { FlowProducer, Queue, QueueEvents, Worker } = require('bullmq');

const [, , role, url, scenario] = process.argv;
const { hostname: host, port } = new URL(url);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const PATIENCE = 20000;

// A job that hangs for ever when it is run for the first time; the next time somebody else has it.
async function hangAtTheFirstTry(job, client) {
  const tries = await client.incr(`tries:${job.data.name}`);
  if (tries === 1) {
    console.log('hangs');
    await new Promise(() => setInterval(() => {}, 1000));
  }
  return tries;
}

async function process_(job, worker) {
  const client = await worker.client;
  switch (job.name) {
    case 'add':
      return job.data.x + job.data.y;
    case 'fail':
      throw new Error('as it should');
    case 'third':
      if (job.attemptsMade < 2) throw new Error('as it should');
      return job.attemptsMade;
    case 'write':
      await client.rpush('written', job.data.word);
      return job.data.word;
    case 'hang':
      return hangAtTheFirstTry(job, client);
    case 'total':
      return Object.values(await job.getChildrenValues()).reduce((sum, each) => sum + each, 0);
    case 'steps':
      await job.updateProgress(50);
      await job.log('half of it');
      return 'done';
    default:
      throw new Error(`no such job: ${job.name}`);
  }
}

async function work() {
  const common = { connection, stalledInterval: 300, lockDuration: 600, maxStalledCount: 3, drainDelay: 1 };
  const worker = new Worker('jobs', (job) => process_(job, worker), { ...common, concurrency: 4 });
  const single = new Worker('in-order', (job) => process_(job, single), { ...common, concurrency: 1 });
  const limited = new Worker('limited', (job) => process_(job, limited), {
    ...common, concurrency: 10, limiter: { max: 5, duration: 200 },
  });
  const workers = [worker, single, limited];
  for (const each of workers) each.on('error', (error) => console.log(`error: ${error.message}`));
  await Promise.all(workers.map((each) => each.waitUntilReady()));
  process.on('SIGTERM', async () => {
    await Promise.all(workers.map((each) => each.close()));
    process.exit(0);
  });
  console.log('ready');
}

const open = [];
function queue(name) {
  open.push(new Queue(name, { connection }));
  return open.at(-1);
}
async function events(name) {
  open.push(new QueueEvents(name, { connection, lastEventId: '0-0' })); // from the beginning: none is missed
  await open.at(-1).waitUntilReady();
  return open.at(-1);
}

const scenarios = {
  async results() {
    const [jobs, heard] = [queue('jobs'), await events('jobs')];
    const added = await jobs.addBulk([...Array(50).keys()].map((x) => ({ name: 'add', data: { x, y: 1 } })));
    const results = await Promise.all(added.map((job) => job.waitUntilFinished(heard, PATIENCE)));
    assert.deepEqual(results, [...Array(50).keys()].map((x) => x + 1));
    const counts = await jobs.getJobCounts();
    assert.deepEqual([counts.completed, counts.active, counts.waiting, counts.failed], [50, 0, 0, 0]);
  },

  async failures() {
    const [jobs, heard] = [queue('jobs'), await events('jobs')];
    const failing = await jobs.add('fail', {});
    await assert.rejects(failing.waitUntilFinished(heard, PATIENCE), /as it should/);
    const third = await jobs.add('third', {}, { attempts: 5, backoff: { type: 'fixed', delay: 20 } });
    assert.equal(await third.waitUntilFinished(heard, PATIENCE), 2);
    const [failed] = await jobs.getFailed();
    assert.equal(failed.failedReason, 'as it should');
    await failed.retry();
    await assert.rejects(failing.waitUntilFinished(heard, PATIENCE), /as it should/);
  },

  async delays() {
    const [jobs, heard] = [queue('in-order'), await events('in-order')];
    const started = Date.now();
    const late = await jobs.add('write', { word: 'never' }, { delay: 3600000 });
    const second = await jobs.add('write', { word: 'second' }, { delay: 400 });
    const first = await jobs.add('write', { word: 'first' }, { delay: 200 });
    await Promise.all([first, second].map((job) => job.waitUntilFinished(heard, PATIENCE)));
    assert(Date.now() - started >= 400);
    assert.deepEqual(await (await jobs.client).lrange('written', 0, -1), ['first', 'second']);
    assert.equal(await late.getState(), 'delayed');
    await late.promote();
    assert.equal(await late.waitUntilFinished(heard, PATIENCE), 'never');
  },

  async priorities() {
    const [jobs, heard] = [queue('in-order'), await events('in-order')];
    await jobs.pause();
    const words = [['d', 7], ['b', 3], ['e', 7], ['c', 5], ['a', 0]]; // none goes before all others
    const added = [];
    for (const [word, priority] of words) added.push(await jobs.add('write', { word }, { priority }));
    assert.equal((await jobs.getJobCounts('paused', 'prioritized')).prioritized, 4);
    await jobs.resume();
    await Promise.all(added.map((job) => job.waitUntilFinished(heard, PATIENCE)));
    assert.deepEqual(await (await jobs.client).lrange('written', 0, -1), ['a', 'b', 'c', 'd', 'e']);
  },

  async flows() {
    const [jobs, heard] = [queue('jobs'), await events('jobs')];
    open.push(new FlowProducer({ connection }));
    const children = [1, 2, 3].map((x) => ({ name: 'add', queueName: 'jobs', data: { x, y: 10 } }));
    const flow = await open.at(-1).add({ name: 'total', queueName: 'jobs', children });
    assert.equal(await flow.job.waitUntilFinished(heard, PATIENCE), 36);
    const steps = await jobs.add('steps', {});
    const progress = [];
    heard.on('progress', ({ jobId, data }) => jobId === steps.id && progress.push(data));
    assert.equal(await steps.waitUntilFinished(heard, PATIENCE), 'done');
    assert.deepEqual((await jobs.getJobLogs(steps.id)).logs, ['half of it']);
    assert.equal((await jobs.getJob(steps.id)).progress, 50);
  },

  async schedules() {
    const [jobs, heard] = [queue('in-order'), await events('in-order')];
    let runs = 0;
    const three = new Promise((resolve) => heard.on('completed', () => ++runs === 3 && resolve()));
    await jobs.upsertJobScheduler('often', { every: 100 }, { name: 'write', data: { word: 'tick' } });
    await three;
    assert.equal(await jobs.removeJobScheduler('often'), true);
    assert.deepEqual(await jobs.getJobSchedulers(), []);
    const once = { deduplication: { id: 'once', ttl: 5000 } };
    const [one, same] = [await jobs.add('write', { word: 'x' }, once), await jobs.add('write', { word: 'y' }, once)];
    assert.equal(one.id, same.id);
  },

  async limits() {
    const [jobs, heard] = [queue('limited'), await events('limited')];
    const started = Date.now();
    const added = await jobs.addBulk([...Array(15).keys()].map((x) => ({ name: 'add', data: { x, y: 0 } })));
    await Promise.all(added.map((job) => job.waitUntilFinished(heard, PATIENCE)));
    assert(Date.now() - started >= 400, `fifteen jobs, five in 200 ms: ${Date.now() - started} ms`);
  },

  // The test kills the worker that says "hangs", and starts another one.
  async stalled() {
    const [jobs, heard] = [queue('jobs'), await events('jobs')];
    const added = await jobs.addBulk([0, 1, 2].map((name) => ({ name: 'hang', data: { name } })));
    assert.deepEqual(await Promise.all(added.map((job) => job.waitUntilFinished(heard, PATIENCE))), [2, 2, 2]);
  },

  async cleaning() {
    const [jobs, heard] = [queue('jobs'), await events('jobs')];
    const added = await jobs.addBulk([1, 2, 3].map((x) => ({ name: 'add', data: { x, y: 1 } })));
    await Promise.all(added.map((job) => job.waitUntilFinished(heard, PATIENCE)));
    assert.equal((await jobs.clean(0, 2, 'completed')).length, 2);
    await jobs.obliterate({ force: true });
    // The worker looks for stalled jobs all the time, and writes down that it did.
    const left = await (await jobs.client).keys('bull:jobs:*');
    assert.deepEqual(left.filter((key) => !key.includes('stalled') && !key.endsWith(':meta')), []);
  },
};

async function play() {
  await scenarios[scenario]();
  await Promise.all(open.map((each) => each.close()));
}

(role === 'work' ? work : play)().catch((error) => {
  console.error(error);
  process.exit(1);
});

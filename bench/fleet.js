// A simulation: conductor's own scheduler with 100,000 tasks, on 1,000 workers that fail, are lost and have providers
// with limits. Time is simulated, so that hours take seconds; the work of the scheduler itself is real. What Redis, git
// and the builder would have to do is counted by what one task needs of each.
//   npm run bench -- fleet
import { createJiti } from 'jiti';

const load = (path) => createJiti(import.meta.url).import(`../src/${path}`);

/** For each task: commands in Redis, commits that travel, and their bytes (without the trees that a base holds). */
const REDIS_COMMANDS = 40;
const COMMITS = 2;
const KILOBYTES = 6;
const LOCK_SECONDS = 30;

export async function measureFleet() {
  const rows = [];
  for (const shape of [
    { tasks: 10_000, workers: 100, layers: 20, lost: 0, sessions: undefined },
    { tasks: 100_000, workers: 1000, layers: 20, lost: 0, sessions: undefined },
    { tasks: 100_000, workers: 1000, layers: 20, lost: 0.01, sessions: undefined },
    { tasks: 100_000, workers: 1000, layers: 20, lost: 0.01, sessions: 400 },
    { tasks: 100_000, workers: 1000, layers: 1000, lost: 0.01, sessions: undefined },
  ])
    rows.push(await simulate(shape));
  return rows;
}

async function simulate({ tasks: count, workers, layers, lost, sessions }) {
  const { schedule } = await load('build/scheduler.ts');
  const { TaskGraph } = await load('model/task-graph.ts');
  const { Limiter } = await load('base/limiter.ts');
  const random = seeded(17);
  const graph = new TaskGraph(tasksOf(count, layers, random));
  const seconds = new Map(graph.order.map((label) => [label, 20 + 100 * random() ** 2]));
  const remaining = graph.remainingPath((label) => seconds.get(label) * 1000);
  const labels = new Set([...graph.order].sort((a, b) => remaining.get(b) - remaining.get(a)));
  const clock = new Clock();
  const places = new Limiter(workers);
  const provider = sessions === undefined ? undefined : new Limiter(sessions);
  let paid = 0;
  let busy = 0;
  const once = async (label) => {
    const own = seconds.get(label);
    const isLost = random() < lost;
    // A lost worker is noticed when its lock has run out; its place is another machine's by then.
    const takes = isLost ? own * random() + LOCK_SECONDS : own;
    await clock.wait(takes);
    paid += own;
    busy += takes;
    return !isLost;
  };
  const step = (label) => {
    const work = async () => {
      while (!(await once(label)));
      return 'done';
    };
    const placed = () => places.run(work, remaining.get(label));
    return provider ? provider.run(placed, remaining.get(label)) : placed();
  };
  const begin = performance.now();
  const running = schedule({
    ...{
      graph,
      labels,
      failFast: false,
      signal: new AbortController().signal,
      atOnce: Math.max(1000, workers * 2),
    },
    ...{ step, onSkip() {} },
  });
  await clock.run(running);
  const cpu = (performance.now() - begin) / 1000;
  const work = [...seconds.values()].reduce((sum, one) => sum + one, 0);
  const path = Math.max(...remaining.values()) / 1000;
  const ideal = Math.max(path, work / Math.min(workers, sessions ?? workers));
  return {
    tasks: count,
    workers,
    layers,
    'lost runs': `${lost * 100} %`,
    'sessions of the provider': sessions ?? '',
    'hours (simulated)': (clock.now / 3600).toFixed(2),
    'against the ideal': (clock.now / ideal).toFixed(2),
    'busy places': `${Math.round((100 * busy) / (clock.now * workers))} %`,
    'paid again': `${((100 * (paid - work)) / work).toFixed(1)} %`,
    'builder: ms a task': ((cpu * 1000) / count).toFixed(2),
    'Redis: commands a second': Math.round((count * REDIS_COMMANDS) / clock.now),
    'git: commits a second': ((count * COMMITS) / clock.now).toFixed(1),
    'git: MB a minute': ((count * COMMITS * KILOBYTES * 60) / 1000 / clock.now).toFixed(1),
  };
}

/** Layers of tasks, each on up to three of the layer before it. */
function tasksOf(count, layers, random) {
  const width = Math.ceil(count / layers);
  return Array.from({ length: count }, (_, i) => {
    const layer = Math.floor(i / width);
    const needs = layer === 0 ? 0 : 1 + Math.floor(random() * 3);
    const pick = () => `f/T${(layer - 1) * width + Math.floor(random() * width)}`;
    return { label: `f/T${i}`, dependsOn: [...new Set(Array.from({ length: needs }, pick))] };
  });
}

function seeded(seed) {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

/** Simulated seconds: when nothing can go on without waiting, the next one that waits goes on. */
class Clock {
  now = 0;
  waiting = [];

  wait(seconds) {
    return new Promise((resolve) => this.push({ at: this.now + seconds, resolve }));
  }

  async run(until) {
    let isDone = false;
    until.then(() => (isDone = true));
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (isDone) return until;
      const next = this.pop();
      if (!next) continue;
      this.now = next.at;
      next.resolve();
    }
  }

  push(entry) {
    const heap = this.waiting;
    let i = heap.push(entry) - 1;
    for (let up = (i - 1) >> 1; i > 0 && heap[up].at > heap[i].at; i = up, up = (i - 1) >> 1)
      [heap[i], heap[up]] = [heap[up], heap[i]];
  }

  pop() {
    const heap = this.waiting;
    const [first] = heap;
    const last = heap.pop();
    if (!first || heap.length === 0) return first;
    heap[0] = last;
    for (let i = 0; ; ) {
      const left = 2 * i + 1;
      const least = [left, left + 1].filter((one) => one < heap.length && heap[one].at < heap[i].at);
      if (least.length === 0) return first;
      const to = least.length === 2 && heap[least[1]].at < heap[least[0]].at ? least[1] : least[0];
      [heap[i], heap[to]] = [heap[to], heap[i]];
      i = to;
    }
  }
}

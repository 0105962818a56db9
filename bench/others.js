// The other build tools on the same graph, each in a folder of its own, built once when it is first asked for.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { commit, makeGraph, ninjaGraph, turboGraph, wireitGraph } from './graphs.js';
import { environment, TimeIsOver, timed } from './measure.js';

/** Largest graphs that the other tools are given: beyond these a run takes minutes. */
const BEARABLE = { ninja: 1_000_000, make: 10_000, wireit: 1_000, turbo: 1_000 };

/** In place of a time. */
const fault = (text) => ({ wall: Number.NaN, cpu: Number.NaN, fault: text });

export function openOthers(tasks, tools, { root, home }) {
  const made = new Map();
  const folders = [];
  const env = (name) =>
    environment(home, {
      PATH: [tools[name].path.replace(/\/[^/]*$/, ''), process.env.PATH].join(':'),
      TURBO_TELEMETRY_DISABLED: '1',
      DO_NOT_TRACK: '1',
      WIREIT_LOGGER: 'quiet',
      WIREIT_PARALLEL: '4',
    });
  const commands = {
    ninja: () => [tools.ninja.path, '-j4', '--quiet'],
    make: () => [tools.make.path, '-j4', '-s'],
    wireit: () => ['npm', 'run', '--silent', 'all'],
    turbo: () => [tools.turbo.path, 'run', 'build', '--concurrency=4', '--output-logs=none', '--no-daemon'],
  };
  const graphs = { ninja: ninjaGraph, make: makeGraph, wireit: wireitGraph, turbo: turboGraph };
  const build = (name, times = 1) =>
    timed([commands[name]()], { cwd: join(root, name), env: env(name), times });
  const first = async (name) => {
    if (!tools[name] || tasks > BEARABLE[name]) return undefined;
    if (!made.has(name)) made.set(name, await (tools[name].path ? firstOf(name) : fault('is not here')));
    return made.get(name);
  };
  const firstOf = async (name) => {
    const cwd = join(root, name);
    folders.push(cwd);
    try {
      graphs[name](cwd, tasks);
      if (name === 'turbo') commit(cwd, env(name));
      return await build(name);
    } catch (error) {
      // A tool that fails takes no row of conductor with it.
      if (error instanceof TimeIsOver) throw error;
      process.stderr.write(`${name}: ${error.message}\n`);
      return fault('fails');
    }
  };
  /** What `use` makes of each tool after its first build; a tool that has none keeps the reason. */
  const each = async (names, use) => {
    const values = {};
    for (const name of names) {
      const found = await first(name);
      if (found !== undefined) values[name] = found.fault ? found : await use(name);
    }
    return values;
  };
  return {
    /**
     * The time of the build from nothing, or why there is none (`fault`); undefined for a tool that is not wanted, or not fit for
     * this size.
     */
    first,
    /** Jobs that take milliseconds and can take their turn beside conductor. */
    nothing: (times) => each(['ninja', 'make'], (name) => () => build(name, times)),
    /** What takes seconds, measured once. */
    slow: () => each(['turbo', 'wireit'], (name) => build(name)),
    remove() {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    },
  };
}

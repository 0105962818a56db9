// The other build tools on the same graph, each in a folder of its own, built once when it is first asked for.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { commit, makeGraph, ninjaGraph, turboGraph, wireitGraph } from './graphs.js';
import { environment, timed } from './measure.js';

/** Largest graphs that the other tools are given: beyond these a run takes minutes. */
const BEARABLE = { ninja: 1_000_000, make: 10_000, wireit: 1_000, turbo: 1_000 };

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
  const isUsable = (name) => tools[name]?.path !== undefined && tasks <= BEARABLE[name];
  const build = (name, times = 1) =>
    timed([commands[name]()], { cwd: join(root, name), env: env(name), times });
  const first = async (name) => {
    if (!isUsable(name)) return undefined;
    if (made.has(name)) return made.get(name);
    const cwd = join(root, name);
    folders.push(cwd);
    graphs[name](cwd, tasks);
    if (name === 'turbo') commit(cwd, env(name));
    made.set(name, await build(name));
    return made.get(name);
  };
  /** What `use` makes of each tool that can be used, after its first build. */
  const each = async (names, use) => {
    const values = {};
    for (const name of names) if ((await first(name)) !== undefined) values[name] = await use(name);
    return values;
  };
  return {
    /** The time of the build from nothing; undefined for a tool that is not here or not fit for this size. */
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

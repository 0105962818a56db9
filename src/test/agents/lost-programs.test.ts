/** The process in which conductor runs programs is killed or stopped from outside: that is nobody's failure. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { processesNaming, type Running, TemporaryProject, until } from '../rig/command-line.js';

vi.setConfig({ testTimeout: 120_000 });

let project: TemporaryProject;
let build: Running | undefined;
beforeEach(() => {
  const agent = `${untilKilled('agent')}; echo agent > agent.txt`;
  project = new TemporaryProject({
    '.gitignore': '.conductor/\n',
    'conductor.config.mjs': `export default ${JSON.stringify({
      sandbox: 'off',
      workers: 4,
      // Also on one processor, all three run at the same time.
      commands: 4,
      gateWorkers: 4,
      attempts: 1,
      agent: { driver: 'command', command: ['sh', '-c', agent] },
      env: ['OUTSIDE'],
    })};\n`,
  });
  project.write('specs/f/BACKLOG.yaml', JSON.stringify({ tasks: tasks() }));
  project.commit();
});
afterEach(async () => {
  build?.process.kill('SIGKILL');
  await build?.ended;
  project.dispose();
});

const outside = (name: string) => join(project.root, name);

/** Its first run writes a file and never ends by itself; the next one must not see that file. */
function untilKilled(name: string): string {
  const file = `"$HOME/../began-${name}"`;
  return `test ! -e half.txt || exit 1; if [ ! -e ${file} ]; then echo half > half.txt; touch ${file}; sleep 600; exit 1; fi`;
}

/** Enough short commands for the process to be started, one that ends when it is ready, and those that are lost. */
function tasks(): object[] {
  const run = (id: string, command: string, more: object = {}) => ({
    ...{ id, description: id, inputs: [], outputs: [`${id}.txt`], run: command, ...more },
  });
  const short = Array.from({ length: 25 }, (_, i) => run(`S${i}`, `echo ${i} > S${i}.txt`));
  const late = { depends_on: ['go'] };
  return [
    ...short,
    run('go', 'until [ -e "$OUTSIDE/go" ]; do sleep 0.05; done; echo go > go.txt', {
      depends_on: short.map(({ id }) => id),
    }),
    run('run', `${untilKilled('run')}; echo run > run.txt`, late),
    run('gated', 'echo gated > gated.txt', { ...late, verify: [untilKilled('gate')] }),
    { id: 'agent', description: 'x', inputs: [], outputs: ['agent.txt'], ...late },
  ];
}

/** The build, when programs run in the small process. */
async function untilAllRun(): Promise<{ build: Running; small: number }> {
  const started = project.start(['build', '--json'], { OUTSIDE: project.root });
  build = started;
  let small = 0;
  await until('the small process', () => {
    small =
      processesNaming('command-runner.js').find((pid) =>
        readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`\0${started.pid}.`),
      ) ?? 0;
    return small > 0;
  });
  // It waits for orders once it has said that it is ready.
  let idle = 0;
  await until('the small process waits', () => {
    const stat = readFileSync(`/proc/${small}/stat`, 'latin1');
    idle = stat.slice(stat.lastIndexOf(')') + 2).startsWith('S') ? idle + 1 : 0;
    return idle === 20;
  });
  writeFileSync(outside('go'), '');
  for (const name of ['run', 'gate', 'agent'])
    await until(`${name} runs`, () => existsSync(outside(`began-${name}`)));
  return { build: started, small };
}

test.skipIf(process.platform !== 'linux')(
  'programs that are lost with it run again from clean files, and no attempt is lost',
  async () => {
    const { build, small } = await untilAllRun();
    process.kill(small, 'SIGKILL');
    const { code, stdout } = await build.ended;
    const events = stdout
      .split('\n')
      .filter((line) => /attempt-failed|"outcome":"failed"|"type":"warning"/.test(line));
    expect({ code, events }).toEqual({ code: 0, events: [] });
    expect(['run', 'gated', 'agent'].map((name) => project.read(`${name}.txt`))).toEqual([
      'run\n',
      'gated\n',
      'agent\n',
    ]);
  },
);

test.skipIf(process.platform !== 'linux')(
  'a build ends at the first Ctrl-C although it is stopped',
  async () => {
    const { build, small } = await untilAllRun();
    process.kill(small, 'SIGSTOP');
    build.process.kill('SIGINT');
    const { code } = await build.ended;
    expect(code).toBe(130);
    expect(processesNaming(project.root)).toEqual([]);
  },
);

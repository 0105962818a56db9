/** Real agents over the Agent Client Protocol, against a scripted model. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAcpAgent } from '../../agent/acp/driver.js';
import type { Agent } from '../../agent/agent.js';
import type { Step } from '../../agent/scripted-model/step.js';
import { findSandbox } from '../../io/process/sandbox/sandbox.js';
import type { AcpAgentConfig } from '../../model/config.js';
import { until } from '../rig/command-line.js';
import { ProgramRig } from './program-rig.js';
import { binFolder, PROGRAMS, type RealProgram } from './programs.js';

interface Speaker {
  readonly program: RealProgram;
  readonly config: Omit<AcpAgentConfig, 'driver' | 'env'>;
}

const SPEAKERS: readonly Speaker[] = [
  {
    program: PROGRAMS.gemini,
    config: {
      command: ['gemini', '--experimental-acp', '-m', 'model-1'],
      auth: 'gemini-api-key',
      state: ['.gemini'],
    },
  },
  {
    program: PROGRAMS.opencode,
    config: {
      command: ['opencode', 'acp'],
      model: 'scripted/model-1',
      state: ['.local', '.cache', '.config', '.opencode'],
    },
  },
];

describe.each(SPEAKERS)('$program.package $program.version over the protocol', ({ program, config }) => {
  const isInstalled = binFolder(program) !== undefined;
  let rig: ProgramRig;
  let sandbox: string | undefined;
  beforeAll(async () => {
    rig = await ProgramRig.create(program);
    const found = await findSandbox(process.env);
    sandbox = 'program' in found ? found.program : undefined;
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  function agent(limits: AcpAgentConfig['limits'] = {}): Agent {
    const made = createAcpAgent(
      { driver: 'acp', ...config, env: Object.keys(program.env('')), limits },
      { env: rig.env, version: '1.0.0', ...(sandbox === undefined ? {} : { sandbox }) },
    );
    if (!made.ok) throw new Error(JSON.stringify(made.error));
    const { value } = made;
    const expected = { kind: 'files' as const, outputs: ['made.txt'], edits: [] };
    return {
      name: value.name,
      identity: value.identity,
      reportsCost: false,
      run: (one) => value.run({ ...one, expected }),
    };
  }

  const done: Step = { say: 'I wrote it.' };

  test.runIf(isInstalled)('writes its file in the sandbox, and its tools run', async () => {
    const run = await rig.run((dir) => [program.write(dir, 'made.txt', 'hello'), done], { agent: agent() });
    expect(run.exit, run.about()).toMatchObject({ kind: 'finished', lastWords: 'I wrote it.' });
    expect(existsSync(join(run.dir, 'made.txt')), run.log().slice(-6000)).toBe(true);
    expect(readFileSync(join(run.dir, 'made.txt'), 'utf8')).toBe('hello');
    expect(readdirSync(run.dir)).toEqual(['made.txt']);
    const shell = await rig.run(() => [program.shell('echo heard > made.txt'), done], { agent: agent() });
    expect(shell.exit, shell.about()).toMatchObject({ kind: 'finished' });
    expect(readFileSync(join(shell.dir, 'made.txt'), 'utf8')).toBe('heard\n');
  });

  test.runIf(isInstalled)('a provider that refuses is told as that', async () => {
    const run = await rig.run(() => [{ loop: { status: 401 } }], {
      agent: agent(),
    });
    expect(run.exit, run.about()).toMatchObject({ kind: 'failed', failure: { kind: 'provider-refused' } });
  });

  test.runIf(isInstalled)('is cancelled, with the command that it runs', async () => {
    const stop = new AbortController();
    const mark = 'begun.txt';
    const running = rig.run(() => [program.shell(`touch ${mark}; sleep 600`), done], {
      agent: agent(),
      signal: stop.signal,
    });
    const work = join(rig.root, 'work');
    const begun = () => readdirSync(work).some((name) => existsSync(join(work, name, mark)));
    await Promise.race([until('its command to run', begun, 120_000), running]);
    stop.abort();
    const run = await running;
    expect(run.exit, run.about()).toMatchObject({ kind: 'failed', failure: { kind: 'cancelled' } });
  });
});

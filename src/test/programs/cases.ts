/** The cases that every real program must pass, through conductor's own driver and its command line. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Step } from '../../agent/scripted-model/step.js';
import { filesBelow, processesNaming, until } from '../rig/command-line.js';
import { ProgramRig } from './program-rig.js';
import { binFolder, KEY, type RealProgram } from './programs.js';

const USAGE = { input: 1000, cached: 200, output: 50, reasoning: 7 };
/** The program asks its provider again a few times, with waits of its own. */
const SANDBOXES = [true, false] as const;

export function describeProgram(program: RealProgram): void {
  const installed = binFolder(program) !== undefined;
  describe.runIf(installed)(`${program.package} ${program.version}`, { concurrent: true }, () => {
    let rig: ProgramRig;
    beforeAll(async () => {
      rig = await ProgramRig.create(program);
    });
    afterAll(() => rig[Symbol.asyncDispose]());
    const done: Step = { say: 'I wrote it.', usage: USAGE };
    const write = (dir: string, path: string, text: string): Step => ({
      ...program.write(dir, path, text),
      usage: USAGE,
    });
    const failing = (step: Step, options: Parameters<ProgramRig['run']>[1] = {}) =>
      rig.run(() => [{ loop: step }], options);

    test.each(SANDBOXES)('ok, sandbox %s', async (sandbox) => {
      const before = filesBelow(rig.home);
      const run = await rig.run((dir) => [write(dir, 'made.txt', 'hello'), done], { sandbox });
      expect(run.exit, run.about()).toMatchObject({ kind: 'finished', lastWords: 'I wrote it.' });
      expect(readFileSync(join(run.dir, 'made.txt'), 'utf8')).toBe('hello');
      expect(readdirSync(run.dir)).toEqual(['made.txt']);
      expect(filesBelow(rig.home)).toEqual(before);
      const asked = rig.model.requests.filter(({ script }) => run.dir.endsWith(`/${script}`));
      expect(asked.map(({ protocol, model }) => [protocol, model])).toEqual(
        Array(2).fill([program.protocol, program.asked]),
      );
      expect(JSON.stringify(asked)).not.toContain('PERSONAL');
      expect(run.log() + JSON.stringify(run.events)).not.toContain(KEY);
    });

    test('a file that the prompt names with @ is not put into it', async () => {
      const run = await rig.run(() => [done], { prompt: 'See @/etc/os-release and @made.txt.' });
      expect(run.exit.kind).toBe('finished');
      const [asked] = rig.model.requests.filter(({ script }) => run.dir.endsWith(`/${script}`));
      expect(JSON.stringify(asked?.messages)).toContain('@/etc/os-release');
      expect(JSON.stringify(asked?.messages)).not.toContain('PRETTY_NAME');
    });

    test.each(SANDBOXES)('shell command, sandbox %s', async (sandbox) => {
      const listen = `require('net').createServer().listen(0, '127.0.0.1', function () { this.close() })`;
      const command = `node -e "${listen}" && echo listened > shell.txt`;
      const run = await rig.run(() => [{ ...program.shell(command), usage: USAGE }, done], { sandbox });
      expect(run.exit.kind).toBe('finished');
      expect(readFileSync(join(run.dir, 'shell.txt'), 'utf8')).toBe('listened\n');
    });

    test('usage to the token, while it runs and at the end', async () => {
      const run = await rig.run((dir) => [
        write(dir, 'one.txt', '1'),
        {
          ...write(dir, 'two.txt', '2'),
          think: 'hm',
          usage: { input: 10, cached: 9000, output: 3, reasoning: 400 },
        },
        { say: 'Done.', usage: { input: 1, cached: 0, output: 2, reasoning: 0 } },
      ]);
      const expected = { tokensIn: 1011, tokensOut: 462, tokensCached: 9200 };
      expect(run.exit, run.about()).toMatchObject({ kind: 'finished', usage: expected });
      const told = run.events.flatMap((event) => (event.kind === 'usage' ? [event.usage] : []));
      expect(told.at(-1)).toEqual(run.exit.usage);
      // Gemini tells its use at the end alone.
      if (program.preset !== 'gemini') expect(told.length).toBeGreaterThan(1);
    });

    test('401 ends at once, and the next task is not even started', async () => {
      const agent = rig.agent();
      const run = await failing({ status: 401 }, { agent });
      expect(run.exit, run.about()).toMatchObject({ kind: 'failed', failure: { kind: 'provider-refused' } });
      // Codex asks twice before it says anything.
      expect(rig.calls(run.dir)).toBeLessThanOrEqual(3);
      const next = await failing({ status: 401 }, { agent });
      expect(next.exit, next.about()).toMatchObject({ failure: { kind: 'provider-refused' } });
      expect(rig.calls(next.dir)).toBe(0);
    });

    test.each([
      ['429', { status: 429, retryAfter: 1 }, 'provider-unavailable'],
      ['500', { status: 500 }, 'provider-unavailable'],
      ['drop', { say: 'I think that we should', cut: 60 }, 'provider-unavailable'],
      ['a prompt that is too long', { status: 400, overflow: true }, 'context-overflow'],
    ] as const)('%s', async (_name, step, kind) => {
      const run = await failing(step);
      expect(run.exit, run.about()).toMatchObject({ kind: 'failed', failure: { kind } });
      expect(rig.calls(run.dir)).toBeGreaterThan(0);
    });

    test('hang: silence is ended, and nothing is left', async () => {
      const run = await failing({ hang: 'before-headers' }, { limits: { silenceMinutes: 0.6 } });
      expect(run.exit, run.about()).toMatchObject({ kind: 'failed', failure: { kind: 'stalled' } });
      expect(rig.calls(run.dir)).toBeGreaterThan(0);
      expect(processesNaming(run.dir)).toEqual([]);
    });

    test.each(SANDBOXES)(
      'kill: its shell goes with it, in a session of its own too, sandbox %s',
      async (sandbox) => {
        const stop = new AbortController();
        const marked = 'sleep 300';
        let dir = '';
        const running = rig.run(
          (own) => {
            dir = own;
            const command = `setsid sh -c 'touch begun; ${marked}; : ${own}' & ${marked}`;
            return [{ ...program.shell(command), usage: USAGE }, done];
          },
          { signal: stop.signal, sandbox },
        );
        await until('the shell to run', () => existsSync(join(dir, 'begun')), 120_000);
        stop.abort();
        const run = await running;
        expect(run.exit, run.about()).toMatchObject({ kind: 'failed', failure: { kind: 'cancelled' } });
        // What the call of the model cost is known, but to those that tell it later.
        if (!['gemini', 'opencode-run'].includes(program.preset))
          expect(run.exit.usage).toMatchObject({ tokensIn: 1000 });
        expect(processesNaming(run.dir)).toEqual([]);
      },
    );
  });
}

/** `metrics` as typed, after a request was planned and built by the real OpenCode server and a scripted model. */

import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createScriptedModel, type ScriptedModel } from '../../agent/scripted-model/model-server.js';
import { textOf } from '../../agent/scripted-model/request.js';
import type { Step } from '../../agent/scripted-model/step.js';
import type { BuildEvent } from '../../model/event.js';
import type { Metrics } from '../../report/metrics/metrics.js';
import { type Ended, TemporaryProject } from '../rig/command-line.js';
import { PseudoTerminal } from '../rig/pseudo-terminal.js';

vi.setConfig({ testTimeout: 300_000 });

const KEY = 'sk-planted-secret';
const PRICE = { input: 3, output: 15, cacheRead: 0.3 };
const PLANNERS = { spec: 'Requirements', arch: 'Structure', qa: 'Proof', plan: 'One plan', backlog: 'Tasks' };
let model: ScriptedModel;
let project: TemporaryProject;
/** What the model has said that its answers used, by the script that said it. */
let said: { script: string; input: number; output: number; cached: number }[];

beforeEach(async () => {
  said = [];
  model = await createScriptedModel({
    key: KEY,
    choose: ({ messages }) => {
      const asked = messages
        .filter(({ role }) => role === 'user')
        .map(textOf)
        .join('\n');
      return Object.entries(PLANNERS).find(([, title]) =>
        new RegExp(`^# ${title} (?:of|for) `).test(asked.trimStart()),
      )?.[0];
    },
  });
  project = new TemporaryProject({
    '.gitignore': '.conductor/\n',
    'wish.md': '# Greetings\n\nGreet, then part.\n',
    'conductor.config.mjs': `export default ${JSON.stringify({
      agent: {
        driver: 'opencode',
        model: 'scripted/model-1',
        providers: {
          scripted: {
            baseURL: `${model.url}/v1`,
            keyEnv: 'MODEL_KEY',
            models: { 'model-1': { context: 200_000, output: 8192, cost: PRICE } },
          },
        },
      },
      attempts: 2,
    })};\n`,
  });
  project.commit();
});
afterEach(async () => {
  await model.close();
  project.dispose();
});

/** A script whose every answer uses other numbers, which are counted when it is given. */
function script(name: string, ...attempts: Step[][]): void {
  const counted = attempts.map((steps) =>
    steps.map((step) => () => {
      const at = said.length;
      const usage = { input: 1000 + 7 * at, output: 100 + 3 * at, cached: 11 * at };
      said.push({ script: name, ...usage });
      return { ...step, usage };
    }),
  );
  model.script(name, ...counted);
}

const write = (filePath: string, content: string) => ({ call: 'write', args: { filePath, content } });
const conductor = (...args: string[]): Promise<Ended> => project.start(args, { MODEL_KEY: KEY }).ended;
const sum = (of: (one: (typeof said)[number]) => number) => said.reduce((total, one) => total + of(one), 0);
const usdOf = (one: (typeof said)[number]) =>
  (one.input * PRICE.input + one.output * PRICE.output + one.cached * PRICE.cacheRead) / 1e6;

const BACKLOG = `title: Greetings
tasks:
  - id: T01
    title: Greet
    description: "Write greet.txt. [script:greet]"
    inputs: []
    outputs: [greet.txt]
    verify: [grep -q good greet.txt]
  - id: T02
    title: Part
    description: "Write part.txt. [script:part]"
    type: documentation
    inputs: []
    outputs: [part.txt]
    depends_on: [T01]
`;

test('metrics add up to what the model was used for, to the token: plans, corrections, retries, every session', async () => {
  for (const [name, text] of [
    ['spec', '## Purpose\n\nGreetings.\n'],
    ['arch', '## Parts\n\nTwo files.\n'],
    ['qa', '## Cases\n\nNone is empty.\n'],
  ] as const)
    script(name, [write(`specs/wish/plan-${name}.md`, text), { say: 'Done.' }]);
  script('plan', [
    write('specs/wish/PLAN.md', '## Requirements\n\n### R1 Greet\n\nGreetings.\n'),
    { say: 'Done.' },
  ]);
  const backlog = (text: string) => [write('specs/wish/BACKLOG.yaml', text), { say: 'Done.' }];
  script('backlog', backlog('tasks: 7\n'), backlog(BACKLOG));
  const greet = (text: string) => [write('greet.txt', text), { say: 'Done.' }];
  script('greet', greet('bad'), greet('good'));
  script('part', [write('part.txt', 'bye'), { say: 'Done.' }]);

  const run = await conductor('run', 'wish.md', '--yes', '--budget-usd', '5');
  expect(run.code, run.text).toBe(0);
  expect(said).toHaveLength(18);
  const asked = await conductor('metrics', '--json');
  const metrics = JSON.parse(asked.stdout) as Metrics;
  expect(metrics.spent).toMatchObject({
    calls: 9,
    tokensIn: sum(({ input }) => input),
    tokensOut: sum(({ output }) => output),
    tokensCached: sum(({ cached }) => cached),
    unpriced: 0,
  });
  expect(metrics.spent.costUsd).toBeCloseTo(sum(usdOf), 9);
  for (const { name, tokensIn } of metrics.byPhase) {
    const isTheirs = ({ script }: { script: string }) => script in PLANNERS === (name === 'planning');
    expect(tokensIn).toBe(said.filter(isTheirs).reduce((total, { input }) => total + input, 0));
  }
  expect(metrics.firstAttempt).toEqual({ of: 2, ok: 1 });
  expect(metrics.outcomes).toMatchObject({ built: 2, failed: 0 });
  expect(metrics.failures).toEqual([
    { kind: 'gate-failed', count: 1 },
    { kind: 'invalid-plan', count: 1 },
  ]);

  // The same by every other way out.
  const rows = (await conductor('metrics', '--export', 'csv')).stdout
    .trim()
    .split('\r\n')
    .map((row) => row.split(','));
  const column = rows[0]?.indexOf('tokens_in') ?? -1;
  expect(rows.slice(1).reduce((total, row) => total + Number(row[column]), 0)).toBe(metrics.spent.tokensIn);
  const otlp = JSON.parse((await conductor('metrics', '--export', 'otlp-json')).stdout);
  const cost = otlp.resourceMetrics[0].scopeMetrics[0].metrics.find(
    ({ name }: { name: string }) => name === 'conductor.cost',
  );
  const points: { asDouble: number }[] = cost.sum.dataPoints;
  expect(points.reduce((total, { asDouble }) => total + asDouble, 0)).toBeCloseTo(metrics.spent.costUsd, 9);
  expect((await conductor('metrics', '--html', 'm.html')).code).toBe(0);
  expect(readFileSync(project.path('m.html'), 'utf8')).toContain('<svg');
  project.remove('m.html');

  // Again: no call, and nothing more is counted but what the store has saved.
  project.remove('part.txt');
  const again = await conductor('build', '--json');
  const events = again.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as BuildEvent);
  expect(events.at(-1)).toMatchObject({ summary: { counts: { cached: 1 } } });
  expect(said).toHaveLength(18);
  const later = JSON.parse((await conductor('metrics', '--json')).stdout) as Metrics;
  expect(later.spent).toEqual(metrics.spent);
  const part = said.filter((one) => one.script === 'part');
  expect(later.saved.tokensIn).toBe(part.reduce((total, { input }) => total + input, 0));
  expect(later.saved.costUsd).toBeCloseTo(
    part.reduce((total, one) => total + usdOf(one), 0),
    9,
  );

  // An estimate learns from it.
  project.write('specs/wish/BACKLOG.yaml', `${BACKLOG.replace('Write greet.txt.', 'Write greet.txt well.')}`);
  const estimate = JSON.parse((await conductor('build', '--estimate', '--json')).stdout);
  const greeting = said.filter((one) => one.script === 'greet');
  expect(estimate.agentTasks[0]).toMatchObject({
    label: 'wish/T01',
    basis: 'like',
    tokens: greeting.reduce((total, { input, output }) => total + input + output, 0),
  });
  expect(said).toHaveLength(18);
});

test('a person sees bars on a terminal, lines without them elsewhere, and is told what cannot be', async () => {
  const state = `.git/conductor/projects`;
  await conductor('status');
  const [hash] = readdirSync(project.path(state));
  const call = (day: number) =>
    JSON.stringify({
      kind: 'call',
      at: Date.now() - day * 86_400_000,
      build: `b${day}`,
      label: 'wish/T01',
      ms: 1000,
      attempt: 1,
      phase: 'implementation',
      agent: 'opencode',
      model: 'acme/one',
      promptBytes: 900,
      usage: { tokensIn: 10, tokensOut: 1, costUsd: 1 + day },
    });
  project.write(`${state}/${hash}/history.ndjson`, `${call(9)}\n${call(1)}\ntorn`);
  const terminal = new PseudoTerminal(project, 'conductor metrics');
  await terminal.see('Cost by model');
  await terminal.see('█');
  await terminal.see('By day');
  await terminal.exited;
  const plain = await conductor('metrics', '--since', '7d');
  expect(plain.stdout).toContain('1 build, 1 call of agents');
  expect(plain.stdout).not.toMatch(/[▁-█]/);
  const other = await conductor('metrics', '--feature', 'other');
  expect(other.stdout).toContain('nothing that is recorded matches');
  expect(other.stderr).toContain('--feature other matches nothing');
  for (const wrong of [
    ['--since', 'yesterday'],
    ['--export', 'xml'],
    ['--export', 'csv', '--json'],
    ['--html', 'wish.md/page.html'],
  ]) {
    expect((await conductor('metrics', ...wrong)).code, wrong.join(' ')).toBe(2);
  }
  const budget = await conductor('build', '--budget-usd', '-1');
  expect([budget.code, budget.text]).toEqual([2, expect.stringContaining('above 0')]);
});

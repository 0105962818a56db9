import { expect, test } from 'vitest';
import type { BuildEvent, BuildEventBody, BuildSummary } from '../../model/event.js';
import { jsonReporter } from '../json.js';
import { plainStyle, styleOf } from '../style.js';
import { verdictReporter } from '../verdict.js';
import { textWidth } from '../width.js';
import { eventLog } from './event-log.js';
import { plainReporter } from './plain.js';
import { costSoFar, NO_PROGRESS, progress } from './progress.js';
import { type Reporter, tee } from './reporter.js';
import { summaryLine, unacceptedText } from './summary-line.js';
import { liveBlock, progressBar, terminalReporter } from './terminal.js';

function event(body: BuildEventBody, at = 0): BuildEvent {
  return { schema: 1, seq: 1, at, ...body };
}
const none = { fresh: 0, cached: 0, verified: 0, built: 0, accepted: 0, drifted: 0, failed: 0, skipped: 0 };
function summary(
  outcome: BuildSummary['outcome'],
  counts: Partial<BuildSummary['counts']>,
  ms = 3200,
  costUsd = 0,
) {
  return {
    outcome,
    exitCode: 0,
    counts: { ...none, ...counts },
    ms,
    usage: { costUsd },
    published: 0,
  } as const;
}
const start = (task: string, attempt = 1, at = 0) =>
  event({ type: 'task.started', task, attempt, recipe: 'agent' }, at);
const phase = (task: string, name: 'agent' | 'gates') =>
  event({ type: 'task.phase', task, attempt: 1, phase: name });
const output = (task: string, line: string) => event({ type: 'task.output', task, attempt: 1, line });
const finish = (task: string, outcome: 'built' | 'fresh') =>
  event({ type: 'task.finished', task, outcome, ms: 1500 });
const PLANNED = event({ type: 'build.planned', tasks: ['a/T01', 'a/T02', 'a/T03', 'a/T04'] });

/** Understands what the live view sends: text, line breaks, return, cursor up, erase below. Wraps at its columns. */
class Screen {
  columns = 60;
  rows = 12;
  sent = '';
  private lines: string[] = [''];
  private row = 0;

  write(text: string): void {
    this.sent += text;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal reads them
    for (const part of text.split(/(\u001b\[\d*[AJ]|\n|\r)/)) {
      const up = part.startsWith('\u001b[') && part.endsWith('A') ? Number(part.slice(2, -1)) : 0;
      if (part === '\n') {
        this.row++;
        this.lines[this.row] ??= '';
      } else if (up > 0) this.row -= up;
      else if (part.startsWith('\u001b[')) this.lines = [...this.lines.slice(0, this.row), ''];
      else if (part !== '\r') this.lines[this.row] = (this.lines[this.row] ?? '') + part;
      expect(this.row).toBeGreaterThanOrEqual(0);
    }
  }

  get text(): string {
    return this.lines.join('\n');
  }
}

function rig() {
  const screen = new Screen();
  const timers: { ms: number; call: () => void }[] = [];
  const clock = { now: 0 };
  const reporter = terminalReporter({
    stream: screen,
    style: plainStyle,
    now: () => clock.now,
    after: (ms, call) => {
      const timer = { ms, call };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), timers.includes(timer) ? 1 : 0);
    },
  });
  const fire = () => timers.shift()?.call();
  return { screen, timers, clock, reporter, fire };
}

test('errors and warnings go where errors go, and what was done to the other stream', () => {
  const failed = event({
    type: 'task.finished',
    task: 'a/T02',
    outcome: 'failed',
    ms: 1,
    failure: { kind: 'no-agent' },
  });
  const events = [
    PLANNED,
    finish('a/T01', 'built'),
    event({ type: 'warning', message: 'see `conductor doctor`' }),
    failed,
    event({ type: 'build.finished', summary: summary('failed', { failed: 1 }) }),
  ];
  const lines = { text: '', write: (text: string) => (lines.text += text) };
  const errors = { text: '', write: (text: string) => (errors.text += text) };
  const screen = new Screen();
  const style = styleOf(false, 'npx conductor');
  for (const reporter of [
    plainReporter(lines, style, { errors }),
    terminalReporter({ stream: screen, style, lines: { errors }, now: () => 0, after: () => () => {} }),
  ]) {
    for (const one of events) reporter.on(one);
    expect(errors.text).toMatch(
      /^warning: see `npx conductor doctor`\nerror: a\/T02: this task needs an agent/,
    );
    errors.text = '';
  }
  expect(lines.text).toBe('built    a/T01  1.5s\nconductor: 1 failed in 3.2s\n');
  expect(screen.sent).toContain('built    a/T01');
  expect(screen.sent).not.toContain('error');
});

test('the live block shows counts, running tasks, their last line and elapsed time', () => {
  const { screen, clock, reporter, fire } = rig();
  for (const one of [
    PLANNED,
    start('a/T01'),
    phase('a/T01', 'agent'),
    output('a/T01', '\u001b[32mwriting\u001b[0m x'),
  ])
    reporter.on(one);
  expect(screen.text).toBe('');
  clock.now = 4200;
  fire();
  expect(screen.text).toMatchInlineSnapshot(`
    "[>                   ] 0/4 done, 1 running, 3 waiting
      a/T01  agent 4s  writing x
    "
  `);
  reporter.on(finish('a/T01', 'built'));
  reporter.on(start('a/T02', 2, 4200));
  fire();
  expect(screen.text).toMatchInlineSnapshot(`
    "built    a/T01  1.5s
    [=====>              ] 1/4 done, 1 running, 2 waiting
      a/T02 (attempt 2)  starting
    "
  `);
});

test('many events make one redraw, and at the end only what stays is on the screen', async () => {
  const { screen, timers, reporter, fire } = rig();
  reporter.on(PLANNED);
  reporter.on(start('a/T01'));
  for (let i = 0; i < 1000; i++) reporter.on(output('a/T01', `line ${i}`));
  expect(timers.length).toBe(1);
  fire();
  expect(screen.sent.split('line ').length).toBe(2);
  reporter.on(finish('a/T01', 'built'));
  reporter.on(event({ type: 'build.finished', summary: summary('built', { built: 1 }) }));
  await reporter.close();
  expect(timers).toEqual([]);
  expect(screen.text).toBe('built    a/T01  1.5s\nconductor: built 1 in 3.2s\n');
});

test('in a watch the block of a later build is redrawn while only the time changes', () => {
  const { timers, reporter } = rig();
  for (let build = 0; build < 2; build++) {
    reporter.on(event({ type: 'build.started', build: `b${build}`, command: 'watch', version: '1.0.0' }));
    reporter.on(PLANNED);
    reporter.on(start('a/T01'));
    expect(timers).toHaveLength(1);
    // The build ends before the redraw that its last event asked for.
    reporter.on(event({ type: 'build.finished', summary: summary('built', { built: 1 }) }));
    expect(timers).toEqual([]);
  }
});

test('a block drawn before the terminal became narrow is removed with its wrapped lines', () => {
  const { screen, reporter, fire } = rig();
  reporter.on(PLANNED);
  reporter.on(start('a/T01'));
  fire();
  const widths = screen.text.split('\n').map(textWidth);
  screen.columns = 20;
  screen.sent = '';
  const before = widths.slice(0, 2).reduce((sum, width) => sum + Math.max(1, Math.ceil(width / 20)), 0);
  // The rows that the wrapped lines take now.
  screen.write('\n'.repeat(before - 2));
  reporter.on(start('a/T02'));
  fire();
  expect(screen.sent).toContain(`\u001b[${before}A`);
  for (const line of screen.text.split('\n')) expect(textWidth(line)).toBeLessThan(20);
});

test('no line is as wide as the terminal and the block never as high, whatever tasks are called', () => {
  let state = progress(NO_PROGRESS, PLANNED);
  for (let i = 0; i < 20; i++) {
    const task = `漢字/${'x'.repeat(i * 9)}\u001b[2J\n${i}`;
    state = progress(progress(state, start(task)), output(task, '漢'.repeat(200)));
  }
  for (const [columns, rows] of [
    [80, 24],
    [21, 5],
    [2, 2],
  ] as const) {
    const lines = liveBlock(state, 9000, columns, rows);
    expect(lines.length).toBeLessThan(Math.max(rows, 3));
    for (const line of lines) {
      expect(textWidth(line)).toBeLessThan(columns);
      expect(line).not.toContain('\u001b');
      expect(line).not.toContain('\n');
    }
  }
});

test('the bar holds with nothing to do and is full only at the end', () => {
  expect([
    progressBar(0, 0, 5),
    progressBar(3, 10, 10),
    progressBar(99, 100, 10),
    progressBar(2, 2, 4),
  ]).toEqual([...['[>    ]', '[===>      ]', '[=========>]', '[====]']]);
});

test('costs are counted over attempts and kept after the end, late events change nothing', () => {
  const usage = (attempt: number, costUsd: number) =>
    event({ type: 'task.usage', task: 'a/T01', attempt, usage: { costUsd } });
  let state = [
    PLANNED,
    start('a/T01'),
    usage(1, 0.1),
    usage(1, 0.2),
    start('a/T01', 2),
    usage(2, 0.05),
  ].reduce(progress, NO_PROGRESS);
  expect(costSoFar(state)).toBeCloseTo(0.25);
  state = progress(state, finish('a/T01', 'built'));
  expect(costSoFar(state)).toBeCloseTo(0.25);
  expect(progress(state, phase('a/T01', 'gates'))).toBe(state);
});

test('plain lines are silent about fresh tasks and always say at the end what happened', () => {
  const sent: string[] = [];
  const reporter = plainReporter({ write: (text) => sent.push(text) }, plainStyle);
  for (const one of [
    ...[PLANNED, start('a/T01'), output('a/T01', 'x'), finish('a/T02', 'fresh'), finish('a/T01', 'built')],
    event({ type: 'task.finished', task: 'a/T03', outcome: 'skipped', ms: 0, because: 'a/T04' }),
    event({ type: 'task.attempt-failed', task: 'a/T04', attempt: 1, failure: { kind: 'nothing-done' } }),
    event({
      type: 'task.finished',
      task: 'a/T04',
      outcome: 'failed',
      ms: 9,
      failure: { kind: 'nothing-done' },
    }),
    event({ type: 'build.finished', summary: summary('failed', { failed: 1, skipped: 2, built: 4 }) }),
  ])
    reporter.on(one);
  expect(sent.join('')).toMatchInlineSnapshot(`
    "built    a/T01  1.5s
    skipped  a/T03: needs a/T04
    retry  a/T04: attempt 1: the task changed nothing
    error: a/T04: the task changed nothing
      hint: \`conductor log a/T04\` shows what the task did: describe in the spec what its outputs contain, or, if the files are right as they are, \`conductor accept a/T04\`
    conductor: 1 failed, 2 skipped, 4 built in 3.2s
    "
  `);
});

test('the last line for each outcome', () => {
  const lines = [
    summary('built', { built: 5, accepted: 0, cached: 2, fresh: 7 }, 72_000, 0.63),
    summary('up-to-date', { fresh: 14 }),
    summary('up-to-date', {}),
    summary('failed', { failed: 1, skipped: 2, built: 4 }),
    summary('interrupted', { built: 3, skipped: 4 }),
    summary('would-build', { built: 2, accepted: 0, cached: 1, fresh: 3 }),
    { ...summary('would-build', { fresh: 5 }), removes: 1 },
    { ...summary('would-build', { built: 1 }), removes: 2 },
  ].map((one) => summaryLine(one, plainStyle));
  expect(lines).toMatchInlineSnapshot(`
    [
      "conductor: built 5, 2 from cache, 7 fresh in 1m 12s ($0.63)",
      "conductor: nothing to do (14 fresh)",
      "conductor: nothing to do (no tasks)",
      "conductor: 1 failed, 2 skipped, 4 built in 3.2s",
      "conductor: interrupted after 3.2s: 3 built",
      "conductor: would build 2, restore 1 (3 fresh)",
      "conductor: would remove 1 file (5 fresh)",
      "conductor: would build 1, remove 2 files",
    ]
  `);
});

test('an accept that failed says what it did to the project', () => {
  expect(unacceptedText(summary('failed', { failed: 1 }))).toBe(
    'nothing was recorded, and no file was changed',
  );
  expect(unacceptedText(summary('failed', { failed: 1, accepted: 1 }))).toMatch(/^what failed was not/);
  expect(unacceptedText(summary('built', { accepted: 1 }))).toBeUndefined();
});

test('a dry run prints a removal once, beside the verdicts', () => {
  const sent: string[] = [];
  const sink = { write: (text: string) => sent.push(text) };
  const all = tee([verdictReporter(sink, plainStyle), plainReporter(sink, plainStyle)], () => undefined);
  all.on(event({ type: 'build.orphans', removed: ['out/b.txt'], kept: [] }));
  expect(sent).toEqual(['out/b.txt: no task owns it any more; a build removes it\n']);
});

test('a reporter that throws is told once and left out, the others go on', async () => {
  const seen: string[] = [];
  const errors: unknown[] = [];
  const broken: Reporter = {
    on: () => {
      throw new Error('broken');
    },
    close: () => Promise.reject(new Error('closed badly')),
  };
  const json = jsonReporter({ write: (text) => seen.push(text) });
  const all = tee([broken, json], (error) => errors.push(error));
  all.on(PLANNED);
  all.on(start('a\n\u001b'));
  await all.close();
  expect(errors).toEqual([new Error('broken')]);
  expect(seen.map((line) => JSON.parse(line).type)).toEqual(['build.planned', 'task.started']);
  expect(seen.join('').match(/\n/g)?.length).toBe(2);
});

test('the event log appends in order, without output lines, and tells a failed write at the end', async () => {
  let kept = '';
  const log = eventLog(async (text) => {
    await Promise.resolve();
    kept += text;
  });
  for (const one of [PLANNED, output('a/T01', 'x'), start('a/T01'), finish('a/T01', 'built')]) log.on(one);
  await log.close();
  expect(
    kept
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).type),
  ).toEqual([...['build.planned', 'task.started', 'task.finished']]);
  const full = eventLog(() => Promise.reject(new Error('ENOSPC')));
  full.on(PLANNED);
  await expect(full.close()).rejects.toThrow('ENOSPC');
});

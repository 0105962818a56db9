import { expect, test } from 'vitest';
import type { Diagnostic, Failure } from '../../model/failure.js';
import { plainStyle, styleOf } from '../style.js';
import { describeFailure } from './failure.js';
import { failureAnswer } from './failure-answer.js';
import { printDiagnostics, printFailure } from './failure-print.js';

const output = { log: '.conductor/logs/b1/T01.log', tail: 'line 1\nassert failed\n' };
const paths = ['src/a.ts', 'src/b.ts'];
/** One of each kind: the record's type fails to compile when a kind is added and not here. */
const EVERY: { [Kind in Failure['kind']]: Extract<Failure, { kind: Kind }> } = {
  'not-a-repository': { kind: 'not-a-repository', directory: '/p' },
  'unsupported-repository': { kind: 'unsupported-repository', reason: 'partial clone', hint: 'fetch it all' },
  'git-missing': { kind: 'git-missing', detail: 'ENOENT' },
  'git-too-old': { kind: 'git-too-old', version: '2.20.1', needed: '2.39' },
  'snapshot-failed': { kind: 'snapshot-failed', detail: 'fatal' },
  'invalid-config': { kind: 'invalid-config', diagnostics: [{ file: 'conductor.config.ts', message: 'x' }] },
  'invalid-specs': { kind: 'invalid-specs', diagnostics: [{ file: 'specs/a/BACKLOG.yaml', message: 'x' }] },
  'unknown-target': { kind: 'unknown-target', target: 'a/T1', nearest: ['a/T01'] },
  usage: { kind: 'usage', message: 'what?' },
  locked: { kind: 'locked', pid: 12, command: 'conductor build', since: '2026-01-01T00:00:00Z' },
  'disk-full': { kind: 'disk-full', path: '/p' },
  'queue-failed': { kind: 'queue-failed', queue: 'redis://host', detail: 'connect ECONNREFUSED' },
  'job-failed': { kind: 'job-failed', reason: 'job stalled more than allowable limit' },
  'system-error': {
    kind: 'system-error',
    operation: 'open',
    path: '/p',
    code: 'EACCES',
    reason: 'permission denied',
  },
  'store-damaged': { kind: 'store-damaged', detail: 'fatal: x' },
  'git-failed': { kind: 'git-failed', command: 'read-tree', detail: 'fatal: x' },
  'unknown-template': { kind: 'unknown-template', template: 'cru', nearest: ['crud'], known: ['crud'] },
  'invalid-template': {
    kind: 'invalid-template',
    template: 'crud',
    diagnostics: [{ file: 'templates/crud/template.yaml', message: 'x' }],
  },
  'invalid-variables': {
    kind: 'invalid-variables',
    template: 'crud',
    problems: [{ variable: 'entity', message: 'is missing', example: 'Invoice' }],
  },
  'files-in-the-way': { kind: 'files-in-the-way', paths },
  'drifted-outputs': { kind: 'drifted-outputs', paths },
  'foreign-files': { kind: 'foreign-files', paths },
  'unknown-version': { kind: 'unknown-version', feature: 'f', version: '9.0.0', known: ['1.0.0'] },
  'unsaved-specs': { kind: 'unsaved-specs', paths },
  'version-incomplete': { kind: 'version-incomplete', version: '1.0.0', paths },
  'patch-stands': { kind: 'patch-stands', path: 'a.ts', lines: ['import a'] },
  'shared-patch': { kind: 'shared-patch', path: 'a.ts', with: ['f/T2'] },
  'conflict-markers': { kind: 'conflict-markers', path: 'src/app.ts', line: 12 },
  'edit-conflict': { kind: 'edit-conflict', paths, workspace: '.conductor/conflicts/f~T1' },
  'template-error': { kind: 'template-error', template: 't.hbs', line: 3, message: 'no x' },
  'prompt-error': { kind: 'prompt-error', prompt: 'p.md', message: 'no x' },
  'prompt-too-large': { kind: 'prompt-too-large', bytes: 4096, limit: 3072, sections: ['description'] },
  'setup-failed': { kind: 'setup-failed', command: 'npm ci', exitCode: 1, output },
  'command-failed': { kind: 'command-failed', command: 'make', exitCode: 'SIGKILL', output },
  'agent-error': { kind: 'agent-error', detail: 'exit 1', output },
  'agent-missing': { kind: 'agent-missing', program: 'claude' },
  needs: {
    kind: 'needs',
    needs: [{ kind: 'write', what: 'package.json', because: 'the task needs the package zod' }],
  },
  'agent-blocked': { kind: 'agent-blocked', because: 'the API has no such call', needs: 'decision', output },
  stalled: { kind: 'stalled', minutes: 5, output },
  'step-limit': { kind: 'step-limit', limit: 60, output },
  'context-overflow': { kind: 'context-overflow', detail: 'too many tokens', output },
  'provider-unavailable': {
    kind: 'provider-unavailable',
    provider: 'acme',
    detail: '429',
    waitMinutes: 60,
    output,
  },
  'provider-refused': { kind: 'provider-refused', provider: 'acme', status: 401, detail: 'no key', output },
  'no-agent': { kind: 'no-agent' },
  'review-rejected': {
    kind: 'review-rejected',
    findings: [{ severity: 'major', file: 'src/a.ts', line: 3, what: 'it swallows the error' }],
  },
  'review-failed': { kind: 'review-failed', failure: { kind: 'agent-error', detail: 'no JSON', output } },
  'failed-before': { kind: 'failed-before', failure: { kind: 'no-agent' } },
  'format-rejected': {
    kind: 'format-rejected',
    failure: { kind: 'gate-failed', gate: 'npm test', exitCode: 1, ms: 1500, output },
  },
  'timed-out': { kind: 'timed-out', what: 'the agent', minutes: 30, output },
  'budget-unknown-usage': { kind: 'budget-unknown-usage', scope: 'build', agent: 'mine' },
  'agent-start-failed': {
    kind: 'agent-start-failed',
    detail: 'the OpenCode server did not start in time',
    output,
  },
  'budget-exceeded': { kind: 'budget-exceeded', scope: 'task', unit: 'usd', limit: 0.5, spent: 0.61 },
  'budget-unknown-price': { kind: 'budget-unknown-price', scope: 'build', agent: 'mine' },
  'nothing-done': { kind: 'nothing-done' },
  'missing-outputs': { kind: 'missing-outputs', paths },
  'leaked-secret': { kind: 'leaked-secret', paths },
  'wrote-outside-outputs': { kind: 'wrote-outside-outputs', paths },
  'link-leaves-tree': { kind: 'link-leaves-tree', path: 'a', target: '/etc' },
  'unsafe-path': { kind: 'unsafe-path', path: 'a', reason: 'is inside .git' },
  'output-too-large': { kind: 'output-too-large', bytes: 60_000_000, limit: 50_000_000 },
  'gate-failed': { kind: 'gate-failed', gate: 'npm test', exitCode: 1, ms: 3210, output },
  'gate-timed-out': { kind: 'gate-timed-out', gate: 'npm test', minutes: 10, output },
  'gate-missing-program': { kind: 'gate-missing-program', gate: 'lint', program: 'eslint' },
  'gate-cannot-start': {
    kind: 'gate-cannot-start',
    gate: 'npx tsc',
    exitCode: 1,
    why: 'tsconfig.json does not exist',
    advice: 'write the file',
    output,
  },
  'preflight-failed': {
    kind: 'preflight-failed',
    task: 'a/T02',
    failure: { kind: 'gate-missing-program', gate: 'lint', program: 'eslint' },
  },
  'patch-conflict': { kind: 'patch-conflict', path: 'src/app.ts', with: 'a/T02' },
  'edit-base-missing': { kind: 'edit-base-missing', path: 'src/app.ts' },
  'result-damaged': { kind: 'result-damaged', key: 'abc', detail: 'blob missing' },
  'pinned-result-missing': {
    kind: 'pinned-result-missing',
    key: 'abc',
    remotes: ['git:origin'],
  },
  'results-not-sent': {
    kind: 'results-not-sent',
    entries: 2,
    remotes: [{ name: 'git:origin', detail: 'it cannot be reached' }],
  },
  'waits-for-ci': { kind: 'waits-for-ci', tasks: ['a/T01', 'a/T02'] },
  'publish-refused': { kind: 'publish-refused', paths, detail: 'changed on disk' },
  'commit-refused': { kind: 'commit-refused', reason: 'a merge is under way', paths: [] },
  'not-up-to-date': { kind: 'not-up-to-date', tasks: [{ label: 'a/T01', verdict: 'stale' }] },
  'sandbox-required': { kind: 'sandbox-required', detail: 'no bwrap' },
  'invalid-plan': {
    kind: 'invalid-plan',
    file: 'specs/f/BACKLOG.yaml',
    diagnostics: [{ file: 'specs/f/BACKLOG.yaml', line: 3, column: 1, message: 'there is no task `f/T9`' }],
    kept: '.conductor/plans/f/BACKLOG.yaml',
  },
  'plan-conflict': {
    kind: 'plan-conflict',
    feature: 'f',
    files: [{ path: 'specs/f/BACKLOG.yaml', entries: ['T01'] }],
    kept: '.conductor/plans/f/',
    diff: '-a\n+b',
  },
  cancelled: { kind: 'cancelled' },
  bug: { kind: 'bug', message: 'x is undefined', stack: 'at y' },
};

test('every kind of failure has a headline of one line and a hint', () => {
  for (const failure of Object.values(EVERY)) {
    const text = describeFailure(failure, 'a/T01');
    expect(text.headline, failure.kind).toMatch(/^[^\n]{5,}$/);
    expect(text.hint ?? '', failure.kind).not.toBe('');
    expect(printFailure(failure, plainStyle), failure.kind).toContain('error: ');
  }
});

test('hints name only commands that there are', () => {
  const known =
    /^(build( --(discard-edits|force|keep-edits|rebuild-missing))?|accept( f\/T2)?|approve|cache (push|verify --remove)|doctor|workers|versions f|explain|log|validate|status|new --list|--help)$/;
  for (const failure of Object.values(EVERY)) {
    const hint = describeFailure(failure, 'a/T01').hint ?? '';
    for (const [, command] of hint.matchAll(/`conductor ([^`]+)`/g)) {
      expect((command as string).replace(' a/T01', ''), failure.kind).toMatch(known);
    }
  }
});

test('hints and facts hold no placeholder that a person would have to fill in, with a task or without', () => {
  const failures: Failure[] = [
    ...Object.values(EVERY),
    { ...EVERY['system-error'], path: '' },
    { ...EVERY['system-error'], code: 'EISDIR', path: 'a b' },
    { kind: 'drifted-outputs', paths, accept: ['a/T01', 'a/T02'] },
  ];
  for (const failure of failures)
    for (const task of ['a/T01', undefined])
      expect(describeFailure(failure, task).hint, failure.kind).not.toMatch(/<[a-z]+>/);
  const hintOf = (failure: Failure | undefined) => failure && describeFailure(failure).hint;
  expect(failures.slice(-3).map(hintOf)).toEqual([
    'see who owns it and who may write there, then run the command again',
    "something else is in its place: move it away (`ls -ld 'a b'`)",
    'keep the edits with `conductor accept a/T01 a/T02`, or drop them with `conductor build a/T01 a/T02 --discard-edits`; then run this command again',
  ]);
});

test('a failed gate shows aligned facts, its log once and one hint', () => {
  expect(printFailure(EVERY['gate-failed'], plainStyle, 'a/T01')).toMatchInlineSnapshot(`
    "error: a/T01: a gate failed
      gate   npm test
      exit   1
      after  3.2s
      log    .conductor/logs/b1/T01.log
      | line 1
      | assert failed
      hint: \`conductor log a/T01\` shows all attempts
    "
  `);
});

test('mistakes in files are all shown with line and marker, tabs and wide characters counted', () => {
  const failure: Failure = {
    kind: 'invalid-specs',
    diagnostics: [
      { file: 'specs/a.yaml', line: 3, column: 2, sourceLine: '\tid: T01', length: 2, message: 'twice' },
      {
        file: 'specs/a.yaml',
        line: 9,
        column: 5,
        sourceLine: '漢字: 漢x',
        length: 2,
        message: 'wide',
        hint: 'less',
      },
      { file: 'specs/b.yaml', message: 'is empty' },
    ],
  };
  expect(printFailure(failure, plainStyle)).toMatchInlineSnapshot(`
    "specs/a.yaml:3:2: twice
          id: T01
          ^~
    specs/a.yaml:9:5: wide
        漢字: 漢x
              ^~~
        hint: less
    specs/b.yaml: is empty
    3 problems in 2 files

    error: the specs are not valid
      hint: correct them, then run \`conductor validate\`
    "
  `);
});

test('of a long source line only what is around the marker is shown, and of many problems in a file the first ones', () => {
  const line = `${'a'.repeat(30_000)}\tHERE${'😀'.repeat(15_000)}`;
  const problem = (column: number, sourceLine = line) =>
    ({ file: 'specs/a.yaml', line: 1, column, sourceLine, length: 4, message: 'x' }) as const;
  const printed = (...diagnostics: readonly Diagnostic[]) => {
    const text = printFailure({ kind: 'invalid-specs', diagnostics }, plainStyle);
    return text.split('\n').map((one) => one.slice(4));
  };
  const [, middle = '', marker = ''] = printed(problem(30_002));
  expect(middle.length).toBeLessThanOrEqual(160);
  expect(middle).toMatch(/^…a+ {2}HERE(😀)+…$/u);
  expect(marker).toBe(`${' '.repeat(middle.indexOf('HERE'))}^~~~`);
  expect(printed(problem(1))[1]).toMatch(/^a{158}…$/);
  expect(printed(problem(line.length - 1))[1]).toMatch(/^…(😀)+$/u);
  expect(printed(problem(1, 'a'.repeat(160)))[1]).toBe('a'.repeat(160));

  const many = Array.from({ length: 50 }, (_, i) => ({ file: 'a.yaml', line: i + 1, message: 'bad' }));
  const text = printDiagnostics([...many, { file: 'b.yaml', message: 'bad' }], plainStyle);
  expect(text.slice(29)).toEqual([
    'a.yaml:30: bad',
    'a.yaml: and 20 more',
    'b.yaml: bad',
    '51 problems in 2 files',
  ]);
});

test('escape sequences of foreign text never reach the terminal', () => {
  const evil = 'a\u001b]0;title\u0007\u001b[2J\u009b31m\rx\u202e';
  const failures: Failure[] = [
    { ...EVERY['gate-failed'], gate: evil, output: { log: evil, tail: `${evil}\u001b[31mred\u001b[0m\n` } },
    {
      kind: 'invalid-specs',
      diagnostics: [{ file: evil, line: 1, column: 1, sourceLine: evil, message: evil }],
    },
    { kind: 'usage', message: evil, hint: evil },
  ];
  for (const failure of failures) {
    const text = printFailure(failure, plainStyle, evil);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  }
  expect(printFailure(failures[0] as Failure, plainStyle)).toContain('red');
});

test('long lists of facts are counted', () => {
  const many = Array.from({ length: 50 }, (_, index) => `f${index}`);
  const text = printFailure({ kind: 'missing-outputs', paths: many }, styleOf(true));
  expect(text).toContain('and 20 more');
  expect(text).toContain('\u001b[31merror\u001b[39m');
});

test('every command in a failure is as the person called conductor', () => {
  const style = styleOf(false, 'pnpm exec conductor');
  for (const failure of Object.values(EVERY)) {
    const text = printFailure(failure, style, 'a/T01');
    const others = [...text.matchAll(/(.{0,11})`conductor /g)];
    expect(others, text).toEqual([]);
    expect(failureAnswer(failure, 'pnpm exec conductor').fix ?? '').not.toContain('`conductor ');
  }
});

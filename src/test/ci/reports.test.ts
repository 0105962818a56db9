/** What a CI reads of a build: annotations, groups, the step summary, JUnit XML and GitLab's report. */

import { readFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { build } from '../../build/build.js';
import { type BuildOptions, PLAIN_BUILD } from '../../build/options.js';
import { type CiReports, ciReporter, ciReports } from '../../cli/ci/ci-reports.js';
import type { OutputStream } from '../../cli/output.js';
import { openPlaces } from '../../commands/task-places.js';
import { annotationsOf } from '../../report/ci/annotations.js';
import { BuildRecord } from '../../report/ci/build-record.js';
import { plainStyle } from '../../report/style.js';
import { TemporaryProject } from '../rig/command-line.js';
import { createRig, type Rig } from '../rig/rig.js';

const SCHEMA = readFileSync(new URL('junit-10.xsd', import.meta.url), 'utf8');
const BACKLOG = 'specs/f/BACKLOG.yaml';

const projects: TemporaryProject[] = [];
afterEach(() => {
  for (const project of projects.splice(0)) project.dispose();
});

/** What GitHub and GitLab would take for commands, in a command, a gate and its output. */
const HOSTILE = String.raw`printf '::error::no\n  ::set-output name=a::b\n##[add-mask]x\n\033[0Ksection_end:1:a\r\033[0K\n'`;
const task = (id: string, more = '') =>
  `  - id: ${id}\n    inputs: []\n    outputs: [${id}.js]\n    run: echo ${id} > ${id}.js\n${more}`;
const failing = (id: string) =>
  task(
    id,
    `    verify:\n      - name: check\n        run: |\n          ${HOSTILE}; echo "$PWD/${id}.js:7:2: error: ]]> & <b>"; exit 3\n`,
  );
const TASKS = `title: f\ntasks:\n${task('T1')}${failing('T2')}${task('T3', '    depends_on: [T2]\n')}`;

/** The lines of a build in this process as a CI sees them. */
async function inCi(rig: Rig, reports: Partial<CiReports>, options: Partial<BuildOptions> = {}) {
  const asked: CiReports = {
    ...{ annotations: 'none', qualityReport: undefined, junit: undefined, stepSummary: undefined },
    ...reports,
  };
  let text = '';
  const stream = { write: (part: string) => (text += part) } as unknown as OutputStream;
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const reporter = ciReporter(host, asked, { stream, style: plainStyle, lines: {} });
  const all = { ...PLAIN_BUILD, namesAll: true, ...options };
  await build(host, all, (event) => reporter.on(event), new AbortController().signal);
  await reporter.close();
  return text;
}

async function junit(rig: Rig, options: Partial<BuildOptions> = {}): Promise<string> {
  const file = rig.path('.conductor/junit.xml');
  await inCi(rig, { junit: file }, options);
  const contents = readFileSync(file, 'utf8');
  const xml = { fileName: 'junit.xml', contents };
  const schema = { fileName: 'junit-10.xsd', contents: SCHEMA };
  const { valid, errors } = await validateXML({ xml, schema });
  expect({ valid, errors }).toEqual({ valid: true, errors: [] });
  return contents;
}

test('JUnit: a test case for each task, with its failure, its gates or why it was not built', async () => {
  await using rig = await createRig();
  rig.write({ [BACKLOG]: TASKS });
  const built = await junit(rig);
  expect(built).toMatch(
    /<testsuites name="conductor build" tests="3" failures="1" errors="0" time="[\d.]+">/,
  );
  expect(built).toMatch(/<testcase classname="f" name="T1" time="[\d.]+">\n\s*<system-out>outcome: built</);
  const failure =
    /name="T2" time="([\d.]+)">\n\s*<failure type="gate-failed" message="a gate failed">([^<]*)</.exec(built);
  // The clock of the rig goes on by 1 ms each time that it is asked.
  expect(Number(failure?.[1])).toBeGreaterThan(0.005);
  expect(failure?.[2]).toContain(']]&gt; &amp; &lt;b&gt;');
  expect(built).toContain('gate check: failed after');
  expect(built).toContain('<skipped message="not built: needs f/T2"/>');
});

test('JUnit of a project with nothing to do names every task; what --frozen finds is a failure of its task', async () => {
  await using rig = await createRig();
  rig.write({ [BACKLOG]: `title: f\ntasks:\n${task('T1')}${task('T2')}` });
  await rig.build();
  rig.commit();
  expect(await junit(rig)).toMatch(/tests="2" failures="0" errors="0"/);
  rig.write({ [BACKLOG]: `title: f\ntasks:\n${task('T1')}${task('T2').replace('echo T2', 'echo two')}` });
  const verified = await junit(rig, { frozen: true });
  expect(verified).toMatch(/name="T2" time="[\d.]+">\n\s*<failure type="not-up-to-date"/);
  rig.write({ [BACKLOG]: 'title: f\ntasks: 3\n' });
  expect(await junit(rig)).toMatch(
    /<testcase classname="conductor" name="build" time="0.000">\n\s*<error type="invalid-specs"/,
  );
});

test('GitLab: sections that nothing within ends, and a report with places in specs and in files', async () => {
  await using rig = await createRig({ folder: 'app' });
  rig.write({ [BACKLOG]: TASKS });
  const text = await inCi(rig, { annotations: 'gitlab' });
  const erase = '\u001b[0K';
  const ids = [...text.matchAll(/section_start:(\d+):([\w.-]+)\[collapsed=true\]\r/g)].map(([, , id]) => id);
  expect(ids.map((id) => id?.replace(/\d+/, 'N'))).toEqual(['conductor-N-f_T2']);
  const marks = text.split(erase).filter((part) => /^section_(?:start|end):/.test(part));
  expect(marks.map((part) => part.slice(0, part.indexOf(':')))).toEqual(['section_start', 'section_end']);
  const report = JSON.parse(rig.read('.conductor/gl-code-quality-report.json') ?? '');
  expect(report).toEqual([
    {
      description: expect.stringContaining('f/T2: a gate failed'),
      check_name: 'conductor/gate-failed',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      severity: 'major',
      location: { path: `app/${BACKLOG}`, lines: { begin: 7 } },
    },
    expect.objectContaining({
      description: 'gate check of f/T2: error: ]]> & <b>',
      location: { path: 'app/T2.js', lines: { begin: 7 } },
    }),
  ]);
  expect(new Set(report.map((one: { fingerprint: string }) => one.fingerprint)).size).toBe(2);
  rig.write({ [BACKLOG]: 'title: f\ntasks:\n  - id: T1\n    nonsense: 1\n' });
  await inCi(rig, { annotations: 'gitlab', qualityReport: rig.path('.conductor/q.json') });
  expect(JSON.parse(rig.read('.conductor/q.json') ?? '')).toContainEqual(
    expect.objectContaining({ location: { path: `app/${BACKLOG}`, lines: { begin: 4 } } }),
  );
});

test('what --frozen finds is annotated at the entries of tasks and at the files that would change', async () => {
  await using rig = await createRig();
  rig.write({ [BACKLOG]: `title: f\ntasks:\n${task('T1')}${task('T2')}` });
  await rig.build();
  rig.commit();
  rig.write({
    'T1.js': 'by hand\n',
    [BACKLOG]: `title: f\ntasks:\n${task('T1')}${task('T2', '    verify: [exit 0]\n').replace('echo T2', 'echo two')}`,
  });
  await inCi(rig, { annotations: 'gitlab' }, { frozen: true });
  const report = JSON.parse(rig.read('.conductor/gl-code-quality-report.json') ?? '') as {
    location: object;
  }[];
  expect(report.map((one) => one.location)).toEqual([
    { path: BACKLOG, lines: { begin: 7 } },
    { path: BACKLOG, lines: { begin: 3 } },
  ]);
});

test('a file that a build would make has no place, and a file of a package is no file of the project', async () => {
  await using rig = await createRig();
  rig.write({ 'src/a.js': '1\n', 'node_modules/x/src/a.js': '1\n' });
  const places = await openPlaces(rig.host(new ScriptedAgent({ tripwire: true })), []);
  expect(places.file('/w/src/a.js')).toBe('src/a.js');
  expect(places.file('/w/node_modules/x/src/a.js')).toBeUndefined();
  const record = new BuildRecord();
  record.failures.push({ kind: 'not-up-to-date', tasks: [], files: ['made.js'], orphans: ['src/a.js'] });
  expect(annotationsOf(record, places)).toMatchObject([
    { file: undefined, line: undefined, title: 'made.js is not up to date' },
    { file: 'src/a.js', line: 1 },
  ]);
});

test('a summary that GitHub would not take is left out with a warning', async () => {
  await using rig = await createRig();
  rig.write({ [BACKLOG]: `title: f\ntasks:\n${task('T1')}`, 'full.md': 'x'.repeat(1024 * 1024) });
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    await inCi(rig, { stepSummary: rig.path('full.md') });
    expect(stderr.mock.calls.map(([text]) => String(text)).join('')).toMatch(
      /^warning: the report .*full\.md cannot be written: GitHub takes 1 MiB/,
    );
  } finally {
    stderr.mockRestore();
  }
  expect(rig.read('full.md')).toHaveLength(1024 * 1024);
});

test('annotations whose places cannot be read are told of, and the other reports are written', async () => {
  await using rig = await createRig();
  rig.write({ [BACKLOG]: TASKS });
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const broken = { ...host, loadConfig: () => Promise.reject(new Error('no config today')) };
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    for (const annotations of ['github', 'gitlab'] as const) {
      const stream = { write: () => true } as unknown as OutputStream;
      const [junit, summary] = [rig.path(`${annotations}.xml`), rig.path(`${annotations}.md`)];
      const asked = { annotations, qualityReport: undefined, junit, stepSummary: summary };
      const reporter = ciReporter(broken, asked, { stream, style: plainStyle, lines: {} });
      const options = { ...PLAIN_BUILD, namesAll: true };
      await build(host, options, (event) => reporter.on(event), new AbortController().signal);
      await reporter.close();
      expect(readFileSync(junit, 'utf8')).toContain('name="T2"');
      expect(readFileSync(summary, 'utf8')).toContain('f/T2');
    }
    const warnings = stderr.mock.calls.map(([text]) => String(text)).filter((text) => /^warning/.test(text));
    expect(warnings).toEqual([
      'warning: annotations cannot be written: no config today\n',
      expect.stringMatching(
        /^warning: the report .*gl-code-quality-report\.json cannot be written: no config/,
      ),
    ]);
  } finally {
    stderr.mockRestore();
  }
});

test('the environment decides what is annotated, and a flag decides instead of it', () => {
  const kinds = (env: Record<string, string>, annotations?: string) => ciReports({ annotations }, env);
  expect(kinds({})).toBeUndefined();
  expect(kinds({ GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: '/s' })).toMatchObject({
    annotations: 'github',
    stepSummary: '/s',
  });
  expect(kinds({ GITHUB_ACTIONS: 'true' }, 'none')).toBeUndefined();
  expect(kinds({ GITLAB_CI: 'true' })).toMatchObject({ annotations: 'gitlab', qualityReport: undefined });
  expect(kinds({}, 'gitlab=out=1.json')).toMatchObject({
    annotations: 'gitlab',
    qualityReport: 'out=1.json',
  });
});

test('GitHub: commands of conductor only, from builds, logs and JSON, and a summary for the step', async () => {
  const project = new TemporaryProject({ [BACKLOG]: TASKS, '.gitignore': '.conductor/\n' });
  projects.push(project);
  const summary = `${project.root}/summary.md`;
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary };
  const run = async (...args: string[]) => {
    const { stdout, stderr } = await project.start(args, env).ended;
    return { commands: commandsIn(`${stdout}\n${stderr}`), stdout, stderr };
  };
  const built = await run('build');
  expect(built.commands.map((one) => one.replace(/(?<=.)::.*$/, ''))).toEqual([
    '::group',
    '::endgroup',
    `::error file=${BACKLOG},line=7,title=f/T2%3A a gate failed`,
    '::error file=T2.js,line=7,col=2,title=gate check of f/T2',
  ]);
  expect(built.stdout).toContain('error: f/T2: a gate failed');
  const text = readFileSync(summary, 'utf8');
  expect(text).toContain('| failed | skipped | built |');
  expect(text).toContain('<details><summary><code>f/T2</code>: a gate failed</summary>');
  expect((await run('log', 'f/T2')).commands).toEqual([]);
  // As everywhere, JSON has one object a line on stdout, and what GitHub reads stands beside it.
  const json = await run('build', '--json');
  for (const line of json.stdout.trim().split('\n')) JSON.parse(line);
  expect(json.commands.filter((one) => one.startsWith('::error'))).toHaveLength(2);
});

/** The lines that GitHub's runner takes for commands. */
function commandsIn(text: string): string[] {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => line.trimStart())
    .filter((line) => /^::[a-z]/.test(line) || line.includes('##['));
}

/** What a CI reads of `conductor projects build`: the same reports as of one build, each project by its name. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TemporaryProject } from '../rig/command-line.js';

const spec = (gate: string) => `title: f
tasks:
  - id: T1
    inputs: []
    outputs: [one.txt]
    run: "echo one > one.txt"
    verify:
      - name: check
        run: "${gate}"
`;
const FAILS = `echo '::error::no'; echo one.txt:3: not one; exit 3`;

/** `api` fails and `web` needs it, both in the repository of the list; `away` fails in a repository of its own. */
function places(): TemporaryProject {
  const temporary = new TemporaryProject({
    '.gitignore': '.conductor/\naway/\n',
    'conductor.projects.yaml': [
      'projects:',
      '  api: { path: packages/api }',
      '  web: { path: packages/web, depends_on: [api] }',
      '  away: { path: away }',
      '  gone: { path: gone }',
      '',
    ].join('\n'),
    'packages/api/specs/f/BACKLOG.yaml': spec(FAILS),
    'packages/web/specs/f/BACKLOG.yaml': spec('test -f one.txt'),
    'away/specs/f/BACKLOG.yaml': spec(FAILS),
  });
  for (const folder of ['packages/api', 'packages/web', 'away'])
    temporary.write(`${folder}/conductor.config.mjs`, "export default { sandbox: 'off' };\n");
  execFileSync('git', ['init', '-q', '-b', 'main', join(temporary.dir, 'away')]);
  return temporary;
}

test('GitHub: groups and annotations by project, files of the own repository only, one summary and one JUnit file', async () => {
  const temporary = places();
  try {
    const summary = `${temporary.root}/summary.md`;
    const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary };
    const { code, text, stdout } = await temporary.start(
      ['projects', 'build', '--junit', '.conductor/junit.xml'],
      env,
    ).ended;
    expect(code, text).toBe(1);
    const commands = stdout.split('\n').filter((line) => /^\s*::|##\[/.test(line));
    const heads = commands.map((line) => line.replace(/(?<=.)::.*$/, ''));
    expect(heads.filter((head) => head === '::group')).toHaveLength(2);
    expect(commands).toContain('::group::api  failed   f/T1: a gate failed');
    expect(heads.filter((head) => head.startsWith('::error')).sort()).toEqual([
      '::error file=packages/api/one.txt,line=3,title=api%3A gate check of f/T1',
      '::error file=packages/api/specs/f/BACKLOG.yaml,line=3,title=api%3A f/T1%3A a gate failed',
      expect.stringMatching(/^::error title=away%3A f\/T1%3A a gate failed/),
      expect.stringMatching(/^::error title=away%3A gate check of f\/T1/),
      expect.stringMatching(/^::error title=gone%3A /),
    ]);
    // A file of another repository is named, and is no place in this one.
    expect(commands.find((line) => line.includes('title=away%3A f/T1'))).toContain(
      '::specs/f/BACKLOG.yaml:3%0A',
    );
    expect(stdout).toContain('api  error: f/T1: a gate failed');
    const markdown = readFileSync(summary, 'utf8');
    expect(markdown).toContain('### conductor projects build');
    expect(markdown).toContain('4 projects: 3 failed, 1 skipped');
    expect(markdown).toMatch(/^\| web \| skipped \|.*\| needs api \|$/m);
    expect(markdown).toContain('<summary><code>api: f/T1</code>: a gate failed</summary>');
    expect(markdown).toContain('<summary><code>gone</code>: ');
    const junit = temporary.read('.conductor/junit.xml');
    expect(junit).toContain('<testcase classname="api/f" name="T1"');
    expect(junit).toContain('<testcase classname="away/f" name="T1"');
  } finally {
    temporary.dispose();
  }
}, 60_000);

test('GitLab: one report beside the list, problems without a file at the list', async () => {
  const temporary = places();
  try {
    const { code, stdout } = await temporary.start(['projects', 'build', '--annotations', 'gitlab']).ended;
    expect(code).toBe(1);
    expect(stdout).toMatch(/section_start:\d+:api-conductor-\d+-f_T1\[collapsed=true\]/);
    const report = JSON.parse(temporary.read('.conductor/gl-code-quality-report.json')) as {
      readonly description: string;
      readonly location: { readonly path: string };
    }[];
    const paths = report.map(({ description, location }) => [description.split(':', 1)[0], location.path]);
    expect(paths).toContainEqual(['api', 'packages/api/specs/f/BACKLOG.yaml']);
    expect(paths).toContainEqual(['away', 'conductor.projects.yaml']);
    expect(paths).toContainEqual(['gone', 'conductor.projects.yaml']);
  } finally {
    temporary.dispose();
  }
}, 60_000);

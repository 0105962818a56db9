/** Installed packages in workspaces: which code they lead to, where caches go, and that nobody alters what gates use. */

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findSandbox } from '../../io/process/sandbox/sandbox.js';
import { createRig, type Rig } from '../rig/rig.js';

const hasSandbox = 'program' in (await findSandbox(process.env));
const SANDBOXES = hasSandbox ? (['off', 'required'] as const) : (['off'] as const);

const IGNORED = '.conductor/\nnode_modules\n.venv\n__pycache__\n';
const PROGRAM = '#!/usr/bin/env node\n';

/** Files that git ignores, as an installer leaves them; a text that begins with `-> ` is a link. */
function install(rig: Rig, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    const place = rig.path(path);
    mkdirSync(dirname(place), { recursive: true });
    rmSync(place, { force: true, recursive: true });
    if (text.startsWith('-> ')) symlinkSync(text.slice(3), place);
    else writeFileSync(place, text);
    if (text.startsWith('#!')) chmodSync(place, 0o755);
  }
}

/** A monorepo: `b` has its own version of a tool, and is imported by its name. */
function monorepo(rig: Rig): void {
  rig.write({
    '.gitignore': IGNORED,
    'package.json': '{"name":"top","private":true,"type":"module","workspaces":["packages/*"]}',
    'packages/b/package.json': '{"name":"@acme/b","type":"module","exports":"./index.js","bin":"./cli.js"}',
    'packages/b/index.js': 'export default "as committed";\n',
    'packages/b/cli.js': `${PROGRAM}console.log("committed cli");\n`,
    'packages/b/tool.js': 'import tool from "tool"; console.log(tool);\n',
    'check.js': 'import b from "@acme/b"; import tool from "tool"; console.log(b, tool);\n',
  });
  chmodSync(rig.path('packages/b/cli.js'), 0o755);
  install(rig, {
    'node_modules/tool/package.json': '{"name":"tool","main":"index.js"}',
    'node_modules/tool/index.js': 'module.exports = require("needed") + " 1";\n',
    'node_modules/tool/cli.js': `${PROGRAM}console.log("tool");\n`,
    'node_modules/needed/index.js': 'module.exports = "hoisted";\n',
    'node_modules/.bin/tool': '-> ../tool/cli.js',
    'node_modules/.bin/b': '-> ../@acme/b/cli.js',
    'node_modules/@acme/b': '-> ../../packages/b',
    'node_modules/.vite/old': 'a cache of the project',
    'packages/b/node_modules/tool/package.json': '{"name":"tool","main":"index.js"}',
    'packages/b/node_modules/tool/index.js': 'module.exports = "nested 2";\n',
  });
}

describe.each(SANDBOXES)('with the sandbox %s', (sandbox) => {
  test('packages of the project are those of the workspace, hoisted and nested ones as they are installed', async () => {
    await using rig = await createRig({
      config: { sandbox, workspace: { link: ['node_modules'] } },
    });
    monorepo(rig);
    const commands = ['node check.js', 'tool', 'b', 'node packages/b/tool.js'];
    rig.backlog('f', {
      T1: {
        edits: ['packages/b/index.js', 'packages/b/cli.js'],
        verify: [
          `(${commands.join('; ')}) > said.txt; cat said.txt; printf 'of the task hoisted 1\\ntool\\nnew cli\\nnested 2\\n' | cmp - said.txt`,
        ],
      },
    });
    rig.answer('f/T1', {
      'packages/b/index.js': 'export default "of the task";\n',
      'packages/b/cli.js': `${PROGRAM}console.log("new cli");\n`,
    });
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  });

  test('caches are written in the workspace, are gone for the next command, and never reach the project', async () => {
    await using rig = await createRig({
      config: { sandbox, workspace: { link: ['node_modules'] } },
    });
    monorepo(rig);
    const cache = 'test ! -e node_modules/.vite/old && mkdir -p node_modules/.vite node_modules/.tmp';
    rig.backlog('f', {
      T1: {
        outputs: ['one.txt'],
        run: `${cache} && echo stale > node_modules/.vite/x && echo 1 > one.txt`,
        verify: [
          `test ! -e node_modules/.vite && ${cache} && echo stale > node_modules/.vite/x`,
          'test ! -e node_modules/.vite && test ! -e node_modules/.tmp && tool',
        ],
      },
    });
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
    expect(existsSync(rig.path('node_modules/.vite/x'))).toBe(false);
  });

  test.each(['the mode', 'everything'])(
    'gates use the packages of the project although an agent changed %s',
    async (what) => {
      await using rig = await createRig({
        config: { sandbox, attempts: 1, workspace: { link: ['node_modules'] } },
      });
      monorepo(rig);
      rig.backlog('f', {
        T1: { outputs: ['one.txt'], verify: ['tool | grep -qx tool && node check.js | grep hoisted'] },
      });
      rig.answer('f/T1', ({ cwd }) => {
        const place = (path: string) => join(cwd, 'node_modules', path);
        const own = (path: string, text: string) => {
          rmSync(place(path), { recursive: true, force: true });
          mkdirSync(dirname(place(path)), { recursive: true });
          writeFileSync(place(path), text, { mode: 0o755 });
        };
        if (what === 'everything') {
          rmSync(place('tool'));
          own('tool/index.js', 'module.exports = "mine"');
          own('.bin/tool', '#!/bin/sh\necho tool mine\n');
          own('@acme', 'no folder');
        }
        if (what === 'the mode') chmodSync(place('@acme'), 0o000);
        chmodSync(place(''), 0o555);
        return { 'one.txt': '1\n' };
      });
      expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
      // What stands in the workspace between tasks is the project's as well.
      rig.backlog('g', { T2: { outputs: ['two.txt'], run: 'tool > two.txt' } });
      expect((await rig.build()).outcomes()).toMatchObject({ 'g/T2': 'built' });
      expect(rig.read('two.txt')).toBe('tool\n');
    },
  );

  test('a package that set-up installed takes caches and leads to the workspace too', async () => {
    await using rig = await createRig({
      config: {
        sandbox,
        workspace: {
          setup: [
            'mkdir -p node_modules/@acme node_modules/tool && ln -s ../../packages/b node_modules/@acme/b && echo "module.exports = 7" > node_modules/tool/index.js',
            'mkdir -p packages/b/node_modules/tool && echo "module.exports = 8" > packages/b/node_modules/tool/index.js',
          ],
          keep: ['node_modules'],
        },
      },
    });
    monorepo(rig);
    rmSync(rig.path('node_modules'), { recursive: true });
    rig.backlog('f', {
      T1: {
        edits: ['packages/b/index.js'],
        verify: [
          'mkdir node_modules/.vite-temp && node check.js | grep -qx "of the task 7"',
          'test ! -e node_modules/.vite-temp && node check.js',
          'node packages/b/tool.js | grep -qx 8',
        ],
      },
    });
    rig.answer('f/T1', { 'packages/b/index.js': 'export default "of the task";\n' });
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  });

  test('a project in a folder of a monorepo finds hoisted packages and root configs, and is built again when these change', async () => {
    await using rig = await createRig({
      folder: 'apps/web',
      config: {
        sandbox,
        workspace: { link: ['node_modules', '../../node_modules', '../../base.json'] },
      },
    });
    install(rig, {
      '../../package.json': '{"name":"top","private":true,"workspaces":["apps/*","packages/*"]}',
      '../../package-lock.json': '{}',
      '../../base.json': '{"text":"base 1"}',
      '../../private.json': '{}',
      '../../packages/shared/index.js': 'module.exports = "shared 1 " + require("tool");\n',
      '../../packages/shared/.env': 'KEY=secret',
      '../../packages/shared/keys/own.pem': 'secret',
      '../../packages/shared/keys/fixture.pem': 'shared',
      '../../node_modules/tool/index.js': 'module.exports = "hoisted";\n',
      '../../node_modules/tool/cli.js': `${PROGRAM}console.log("tool");\n`,
      '../../node_modules/.bin/tool': '-> ../tool/cli.js',
      '../../node_modules/@acme/web': '-> ../../apps/web',
      '../../node_modules/@acme/shared': '-> ../../packages/shared',
      'node_modules/own/index.js': 'module.exports = "own";\n',
    });
    rig.write({
      '.gitignore': IGNORED,
      'package.json': '{"name":"@acme/web"}',
      'index.js': 'module.exports = "web as committed";\n',
      'check.js':
        'console.log(require("own"), require("tool"), require("@acme/shared"), require("@acme/web"), require("../../base.json").text);\n',
    });
    const hidden =
      sandbox === 'off'
        ? 'true'
        : 'shared=../../node_modules/@acme/shared; test ! -s $shared/.env && test ! -s $shared/keys/own.pem && test -s $shared/keys/fixture.pem && test ! -e ../../private.json';
    rig.git('add', '-f', 'packages/shared/keys/fixture.pem');
    rig.backlog('f', {
      T1: {
        outputs: ['said.txt'],
        edits: ['index.js'],
        run: `${hidden} && tool && echo 'module.exports = "web of the task"' > index.js && node check.js > said.txt`,
        verify: ['tool'],
      },
    });
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
    expect(rig.read('said.txt')).toBe('own hoisted shared 1 hoisted web of the task base 1\n');
    expect((await rig.build()).outcomes()).toEqual({});
    rig.write({ '../../base.json': '{"text":"base 2"}' });
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
    rig.write({ '../../packages/shared/index.js': 'module.exports = "shared 2";\n' });
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
    expect(rig.read('said.txt')).toBe('own hoisted shared 2 web of the task base 2\n');
  });

  test('a package that narrow inputs leave out is missing instead of being the one of the project', async () => {
    await using rig = await createRig({
      config: { sandbox, workspace: { link: ['node_modules'] } },
    });
    monorepo(rig);
    rig.backlog('f', {
      T1: {
        inputs: ['check.js', 'package.json'],
        outputs: ['seen.txt'],
        run: '! node check.js 2> error.txt; grep -o "Cannot find package" error.txt > seen.txt; ls -A >> seen.txt; rm error.txt',
      },
    });
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
    expect(rig.read('seen.txt')).toContain('Cannot find package');
    expect(rig.read('seen.txt')).not.toContain('packages\n');
  });
});

test('a linked file outside of the project that changes while a build runs is seen by the next one', async () => {
  await using rig = await createRig({
    folder: 'apps/web',
    config: { workspace: { link: ['../../base.txt'] } },
  });
  rig.write({ '.gitignore': IGNORED, '../../base.txt': '1\n' });
  rig.backlog('f', {
    T1: { outputs: ['one.txt'], run: 'cp ../../base.txt one.txt' },
    T2: { outputs: ['two.txt'] },
  });
  rig.answer('f/T2', () => {
    rig.write({ '../../base.txt': '2\n' });
    return { 'two.txt': 'x\n' };
  });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
  // Whichever of the two texts the first build has copied.
  expect((await rig.build()).outcomes()).toMatchObject({ 'f/T1': 'built' });
  expect(rig.read('one.txt')).toBe('2\n');
  expect((await rig.build()).outcomes()).toEqual({});
});

const python = spawnSync('python3', ['-c', 'import sys, venv; print(sys.version_info[:2])']);

describe.runIf(python.status === 0).each(SANDBOXES)('Python with the sandbox %s', (sandbox) => {
  /** How installers write down that a package is used from its source. */
  const KINDS = {
    'a path file': { '__editable__.acme-1.0.pth': 'SRC\n' },
    'a finder': {
      '__editable__.acme-1.0.pth': 'import __editable___acme_finder; __editable___acme_finder.install()\n',
      '__editable___acme_finder.py': `import sys\nfrom importlib.machinery import PathFinder\nMAPPING: dict[str, str] = {'acme': 'SRC/acme'}\nclass Finder:\n    @classmethod\n    def find_spec(cls, name, path=None, target=None):\n        return PathFinder.find_spec(name, ['SRC']) if name in MAPPING else None\ndef install():\n    sys.meta_path.append(Finder)\n`,
    },
  };

  test.each(Object.entries(KINDS))(
    'a package that is installed as editable by %s is that of the workspace',
    async (_kind, files) => {
      await using rig = await createRig({ config: { sandbox, workspace: { link: ['.venv'] } } });
      rig.write({
        '.gitignore': IGNORED,
        'src/acme/__init__.py': 'NAME = "as committed"\n',
        'check.py': 'import acme; print(acme.NAME)\n',
      });
      spawnSync('python3', ['-m', 'venv', '--without-pip', '.venv'], { cwd: rig.dir });
      const [lib] = readdirSync(rig.path('.venv/lib'));
      for (const [name, text] of Object.entries(files)) {
        const place = `.venv/lib/${lib}/site-packages/${name}`;
        writeFileSync(rig.path(place), text.replaceAll('SRC', rig.path('src')));
      }
      rig.backlog('f', {
        T1: {
          edits: ['src/acme/__init__.py'],
          outputs: ['said.txt'],
          run: `echo 'NAME = "of the task"' > src/acme/__init__.py && .venv/bin/python check.py > said.txt`,
          verify: ['.venv/bin/python check.py | grep -qx "of the task"'],
        },
      });
      expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
      expect(rig.read('said.txt')).toBe('of the task\n');
    },
  );
});

/** Installed packages in workspaces: which code they lead to, where caches go, and that nobody alters what gates use. */

import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findSandbox } from '../../io/process/sandbox.js';
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

  test.each(['a package', 'a program', 'a scope', 'the mode', 'everything'])(
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
        if (what === 'a package' || what === 'everything') {
          rmSync(place('tool'));
          own('tool/index.js', 'module.exports = "mine"');
        }
        if (what === 'a program' || what === 'everything') own('.bin/tool', '#!/bin/sh\necho tool mine\n');
        if (what === 'a scope') own('@acme', 'no folder');
        if (what === 'the mode') chmodSync(place('@acme'), 0o000);
        if (what === 'the mode' || what === 'everything') chmodSync(place(''), 0o555);
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
        ],
      },
    });
    rig.answer('f/T1', { 'packages/b/index.js': 'export default "of the task";\n' });
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
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

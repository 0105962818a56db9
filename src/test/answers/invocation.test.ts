/** How conductor was called, told from what package managers leave in the environment. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { invocationOf } from '../../cli/invocation.js';
import { helpAsCalled } from '../../cli/output.js';
import { createProgram } from '../../cli/program.js';

const BIN = '/home/ada/shop/node_modules/.bin';

test.each<[string, Record<string, string>, string, string]>([
  ['by its name', { PATH: '/usr/bin' }, '/usr/local/bin/conductor', 'conductor'],
  ['from its own repository', {}, '/home/ada/conductor/bin/conductor.js', 'conductor'],
  [
    'npx',
    { npm_config_user_agent: 'npm/10.8.2 node/v20.20.2 linux x64' },
    `${BIN}/conductor`,
    'npx conductor',
  ],
  ['npm run', { npm_config_user_agent: 'npm/10.8.2 node/v20' }, `${BIN}/conductor`, 'npx conductor'],
  [
    'npx of a package that is not installed',
    { npm_config_user_agent: 'npm/10.8.2' },
    '/home/ada/.npm/_npx/0a1b/node_modules/.bin/conductor',
    'npx conductor-build',
  ],
  [
    'pnpm exec',
    { npm_config_user_agent: 'pnpm/9.12.0 npm/? node/v20' },
    `${BIN}/conductor`,
    'pnpm exec conductor',
  ],
  [
    'pnpm dlx',
    { npm_config_user_agent: 'pnpm/9.12.0' },
    '/home/ada/.cache/pnpm/dlx/3f/19a/node_modules/.bin/conductor',
    'pnpm dlx conductor-build',
  ],
  ['yarn', { npm_config_user_agent: 'yarn/1.22.22 npm/? node/v20' }, `${BIN}/conductor`, 'yarn conductor'],
  [
    'yarn that names only its program',
    { npm_execpath: '/usr/lib/yarn/bin/yarn.js' },
    `${BIN}/conductor`,
    'yarn conductor',
  ],
  [
    'npm that names only its program',
    { npm_execpath: '/usr/lib/node_modules/npm/bin/npm-cli.js' },
    `${BIN}/conductor`,
    'npx conductor',
  ],
  ['bunx', { npm_config_user_agent: 'bun/1.1.34 npm/? node/v22' }, `${BIN}/conductor`, 'bunx conductor'],
  [
    'bunx of a package that is not installed',
    { npm_config_user_agent: 'bun/1.1.34' },
    '/tmp/bunx-1000-conductor-build@latest/node_modules/.bin/conductor',
    'bunx conductor-build',
  ],
  ['by its path', { PATH: '/usr/bin' }, `${BIN}/conductor`, 'npx conductor'],
  [
    'by conductor itself',
    { CONDUCTOR_CALLED_AS: 'pnpm dlx conductor-build' },
    '/x/bin/conductor.js',
    'pnpm dlx conductor-build',
  ],
  ['by its name, with its folder on PATH', { PATH: `${BIN}:/usr/bin` }, `${BIN}/conductor`, 'conductor'],
])('%s', (_how, env, script, called) => {
  expect(invocationOf({ env, script })).toBe(called);
});

test('help shows commands as they were called', async () => {
  const program = createProgram(
    () => {},
    (text) => helpAsCalled(text, 'yarn conductor'),
  );
  for (const command of program.commands) {
    const help: string[] = [];
    const { write } = process.stdout;
    process.stdout.write = ((text: string) => help.push(text)) as never;
    try {
      command.outputHelp();
    } finally {
      process.stdout.write = write;
    }
    const typed = help
      .join('')
      .split('\n')
      .filter((line) => /^(Usage: | {2})\S*\s?conductor /.test(line));
    for (const line of typed) expect(line).toMatch(/^(Usage: | {2})yarn conductor /);
  }
});

/** A command in a text for people stands in backticks: only there it is put as the person called it. */
const COMMAND = new RegExp(
  `(.?)\\bconductor (${createProgram(() => {})
    .commands.map((one) => one.name())
    .join('|')})\\b`,
  'g',
);
/** Comments, data about a running command, parts of a hint that stands in backticks, and texts that are no message. */
const NO_MESSAGE = [
  /^\s*(\*|\/\/|\/\*)/,
  /\bcommand(:|,| =) /,
  /^ {2}const (log|explain) = /,
  /return ask\('conductor/,
  /'update-ref'/,
  /# Completion of conductor/,
  /\(conductor completion/,
];

test('every text that names a command goes the way that puts it right', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const found: string[] = [];
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!/\.tsx?$/.test(name) || /\.test\.ts$|^test\/|^cli\/definitions\//.test(name)) continue;
    const lines = readFileSync(join(root, name), 'utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      if (NO_MESSAGE.some((one) => one.test(line))) continue;
      for (const [, before] of line.matchAll(COMMAND))
        if (before !== '`') found.push(`${name}:${index + 1} ${line.trim()}`);
    }
  }
  expect(found).toEqual([]);
});

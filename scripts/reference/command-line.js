// Builds the page of the command line from the definitions of all commands.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { code, literal, pageHead, table } from './markdown.js';

export async function commandLinePage() {
  const program = await loadProgram();
  const commands = program.commands.filter((command) => !command._hidden);
  const rows = commands.map((command) => [
    `[${code(`conductor ${command.name()}`)}](#conductor-${command.name()})`,
    sentence(command.description()),
  ]);
  return [
    pageHead('The command line', 'src/cli/definitions/', `${program.description()}\n\n${after(program)}`),
    table(['command', 'what it does'], rows),
    ...commands.map((command) => section(command)),
  ].join('\n');
}

/** Bundles only the definitions: the code of a command is loaded when it runs, and none runs here. */
async function loadProgram() {
  const folder = mkdtempSync(join(tmpdir(), 'conductor-reference-'));
  const outfile = join(folder, 'program.mjs');
  try {
    await build({
      entryPoints: ['src/cli/program.ts'],
      bundle: true,
      outfile,
      format: 'esm',
      platform: 'node',
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
      },
      plugins: [{ name: 'leave commands out', setup: leaveOut }],
    });
    const { createProgram } = await import(pathToFileURL(outfile).href);
    return createProgram(() => {});
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function leaveOut({ onResolve }) {
  onResolve({ filter: /.*/ }, ({ kind, path }) =>
    kind === 'dynamic-import' ? { path, external: true } : undefined,
  );
}

function section(command, parent = 'conductor') {
  const name = `${parent} ${command.name()}`;
  const parts = [`## ${name}\n\n${sentence(command.description())}\n\n    ${name} ${command.usage()}\n`];
  const given = command.registeredArguments.filter((argument) => argument.description !== '');
  if (given.length > 0) {
    const rows = given.map((argument) => [code(argument.name()), meaning(argument)]);
    parts.push(table(['argument', 'meaning'], rows));
  }
  const options = command.options.filter((option) => !option.hidden);
  if (options.length > 0) {
    const rows = options.map((option) => [code(option.flags), meaning(option)]);
    parts.push(table(['option', 'meaning'], rows));
  }
  const more = after(command);
  if (more !== '') parts.push(`${more}\n`);
  for (const inner of command.commands) parts.push(section(inner, name));
  return parts.join('\n');
}

function meaning({ description, argChoices, defaultValue }) {
  const choices = argChoices ? ` One of ${argChoices.map(code).join(', ')}.` : '';
  const isWorthSaying = defaultValue !== undefined && typeof defaultValue !== 'boolean';
  const fallback = isWorthSaying ? ` Default: ${code(literal(defaultValue).replaceAll("'", ''))}.` : '';
  return `${sentence(description)}${choices}${fallback}`;
}

/** The examples and notes that the help shows below the options. */
function after(command) {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.emit('afterHelp', { error: false, command, write: (part) => (text += part) });
  return text
    .trim()
    .replace(/^Examples:$/m, 'Examples:\n')
    .replace(/^ {2}(?=\S)/gm, '    ');
}

function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

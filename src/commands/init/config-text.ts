/** The text of a first `conductor.config.ts`. Writes no file. */

import { OWN_PACKAGE } from '../new/schema-reference.js';

export interface ConfigChoices {
  /** Commands, as shell lines. */
  readonly gates: readonly string[];
  /** Paths that workspaces get as links. */
  readonly links: readonly string[];
  /** Whether `conductor-build` is in a `node_modules` where an editor finds it. */
  readonly installed: boolean;
  /** How the package is added to the project. Absent where nothing but conductor would need a package.json. */
  readonly install?: string | undefined;
  /** Commands that install what cannot be linked, with what they make. */
  readonly setup?: { readonly commands: readonly string[]; readonly keep: readonly string[] } | undefined;
}

/** Written as prettier writes by default: the linter of a project that uses it has nothing to say. */
export function configText(choices: ConfigChoices): string {
  const { installed, install } = choices;
  const imported = `import { defineConfig } from ${JSON.stringify(OWN_PACKAGE)};`;
  // Where the package is not installed an import would be an error in editors, type checks and linters.
  const head = installed
    ? [imported, '', '// Every key is optional.', 'export default defineConfig({']
    : [
        ...(install === undefined
          ? []
          : [
              `// For completion in the editor: ${install}, then`,
              `//   ${imported}`,
              '//   export default defineConfig({ ... });',
            ]),
        '// Every key is optional.',
        'export default {',
      ];
  return [...head, ...body(choices), installed ? '});' : '};', ''].join('\n');
}

function body({ gates, links, setup }: ConfigChoices): string[] {
  return [
    '  // Gates: commands that must pass on all files before conductor publishes them.',
    ...(gates.length > 0
      ? ['  gates: {', ...list('    ', 'build', gates), '  },']
      : ['  //   gates: { build: ["make test"] },']),
    '',
    ...(setup ? [...installed(setup, links), ''] : []),
    ...(links.length > 0 && !setup
      ? [
          '  // Linked into every workspace, because the gates need it. Not part of results.',
          ...workspace(links),
          '',
        ]
      : []),
    '  // A coding agent builds tasks without `render` or `run`. You can use any with a',
    '  // command line, or OpenCode:',
    '  //   agent: { driver: "command", preset: "claude", env: ["ANTHROPIC_API_KEY"] },',
    '  //   agent: { driver: "opencode", model: "anthropic/claude-sonnet-4-5" },',
  ];
}

function installed(
  { commands, keep }: { readonly commands: readonly string[]; readonly keep: readonly string[] },
  links: readonly string[],
): string[] {
  return [
    "  // Yarn Plug'n'Play: needs `enableGlobalCache: false` in .yarnrc.yml.",
    '  workspace: {',
    ...list('    ', 'setup', commands),
    ...list('    ', 'keep', keep),
    ...(links.length > 0 ? list('    ', 'link', links) : []),
    '  },',
  ];
}

function workspace(links: readonly string[]): string[] {
  const line = `  workspace: { link: [${links.map((one) => JSON.stringify(one)).join(', ')}] },`;
  return line.length <= 80 ? [line] : ['  workspace: {', ...list('    ', 'link', links), '  },'];
}

/** On one line where it fits. */
function list(indent: string, key: string, values: readonly string[]): string[] {
  const texts = values.map((value) => JSON.stringify(value));
  const line = `${indent}${key}: [${texts.join(', ')}],`;
  return line.length <= 80
    ? [line]
    : [`${indent}${key}: [`, ...texts.map((text) => `${indent}  ${text},`), `${indent}],`];
}

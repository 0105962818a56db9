/** How the usual coding agents are started without a person. Knows their arguments, not how to run them. */

import type { AgentPreset } from '../model/config.js';
import {
  aiderReader,
  claudeReader,
  codexReader,
  geminiReader,
  type OutputReader,
  opencodeReader,
} from './readers.js';

export interface Preset {
  /** Argument vector; `{promptFile}` is replaced. The prompt is on standard input as well. */
  readonly argv: readonly string[];
  /** Added when a model is chosen; `{model}` is replaced. */
  readonly modelArgs: readonly string[];
  /** Arguments that have to stand last. */
  readonly lastArgs?: readonly string[];
  /** Variables that are set for it; they are no secrets. */
  readonly env?: Readonly<Record<string, string>>;
  readonly reportsCost: boolean;
  /** Where it keeps its login and its state, below the home folder: writable in a sandbox. */
  readonly state: readonly string[];
  reader(): OutputReader;
}

export const PRESETS: Readonly<Record<AgentPreset, Preset>> = {
  // Checked against the published command line reference: `-p` takes the prompt from a pipe, stream-json needs
  // `--verbose`, the result line has `total_cost_usd` and `usage`. Edits are accepted without a question; shell
  // commands are not, unless the project's own settings allow them.
  claude: {
    argv: ['claude', '-p', '--output-format', 'stream-json', '--verbose', '--permission-mode', 'acceptEdits'],
    modelArgs: ['--model', '{model}'],
    reportsCost: true,
    state: ['.claude', '.claude.json'],
    reader: claudeReader,
  },
  // Checked against its documentation: `-` reads the prompt from standard input, `--json` prints events whose
  // `turn.completed` has the tokens. `--full-auto` has meant different things in different versions;
  // `--sandbox workspace-write` is what it stands for when nobody can be asked.
  codex: {
    argv: ['codex', 'exec', '--json', '--sandbox', 'workspace-write'],
    modelArgs: ['--model', '{model}'],
    lastArgs: ['-'],
    reportsCost: false,
    state: ['.codex'],
    reader: codexReader,
  },
  // Checked against its headless reference: without a terminal it reads the prompt from standard input; the last
  // event of `stream-json` has the tokens. No `-p`: it wants the prompt as its value, and piped text is put before it.
  gemini: {
    argv: ['gemini', '--yolo', '--output-format', 'stream-json'],
    modelArgs: ['--model', '{model}'],
    reportsCost: false,
    state: ['.gemini'],
    reader: geminiReader,
  },
  // Checked against uses of these options in public projects, not against its reference. Its history files would
  // lie in the workspace and count as files written outside the outputs; without git it makes no commit and no map.
  aider: {
    argv: [
      ...['aider', '--message-file', '{promptFile}', '--yes-always', '--no-auto-commits', '--no-git'],
      ...['--no-gitignore', '--no-pretty', '--no-stream', '--no-check-update', '--no-show-release-notes'],
      ...['--no-suggest-shell-commands', '--map-tokens', '0'],
      ...['--chat-history-file', '/dev/null', '--input-history-file', '/dev/null'],
    ],
    modelArgs: ['--model', '{model}'],
    reportsCost: true,
    state: ['.aider'],
    reader: aiderReader,
  },
  // Checked against its documentation: `run` takes a piped prompt, `--format json` prints events; `step_finish` has
  // cost and tokens. What would ask a person is denied, since a question waits for ever.
  'opencode-run': {
    argv: ['opencode', 'run', '--format', 'json'],
    modelArgs: ['--model', '{model}'],
    env: {
      OPENCODE_PERMISSION: JSON.stringify({
        '*': 'allow',
        external_directory: 'deny',
        question: 'deny',
        doom_loop: 'deny',
      }),
    },
    reportsCost: true,
    state: ['.config/opencode', '.local/share/opencode', '.local/state/opencode', '.cache/opencode'],
    reader: opencodeReader,
  },
};

/** `opencode run`, the older way to use OpenCode: its arguments, its variables and what its stream of events says. */

import { join } from 'node:path';
import type { Usage } from '../../model/action.js';
import type { ProviderProblem } from '../provider-problem.js';
import { addUsage, isCount } from '../usage.js';
import { count, jsonLines, only, record, said, spoken, text, toolCall } from './json-lines.js';
import type { Preset } from './preset.js';
import type { OutputReader } from './reading.js';

const PLUGIN = { '@opencode-ai/plugin': '*' };

export const opencodeRun: Preset = {
  program: 'opencode',
  identity: ['opencode', 'run', '--format', 'json'],
  arguments: ({ model, variant }) => [
    ...['run', '--format', 'json'],
    ...(model === undefined ? [] : ['--model', model]),
    ...(variant === undefined ? [] : ['--variant', variant]),
  ],
  environment: ({ state }) => ({
    XDG_CONFIG_HOME: join(state, 'config'),
    XDG_DATA_HOME: join(state, 'data'),
    XDG_STATE_HOME: join(state, 'state'),
    XDG_CACHE_HOME: join(state, 'cache'),
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    // Neither a repository nor a folder above it says what the agent may do.
    OPENCODE_DISABLE_PROJECT_CONFIG: '1',
    OPENCODE_DISABLE_CLAUDE_CODE: '1',
    OPENCODE_DISABLE_EXTERNAL_SKILLS: '1',
    OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
    // What would ask a person is denied, since a question waits for ever; so are sub-agents, whose use no event tells.
    OPENCODE_PERMISSION: JSON.stringify({
      '*': 'allow',
      external_directory: 'deny',
      question: 'deny',
      doom_loop: 'deny',
      task: 'deny',
    }),
  }),
  reportsCost: true,
  provider: 'opencode',
  state: {
    folder: '.',
    credentials: [{ path: 'data/opencode/auth.json', from: ['.local/share/opencode/auth.json'] }],
    settings: [
      {
        path: 'config/opencode/opencode.json',
        from: ['.config/opencode/opencode.json'],
        keep: (config) => only(['provider', 'model', 'small_model', 'enabled_providers'], config),
      },
      // It would install its plugin package from the network into every config folder that has it not.
      { path: 'config/opencode/package.json', keep: () => JSON.stringify({ dependencies: PLUGIN }) },
      {
        path: 'config/opencode/package-lock.json',
        keep: () =>
          JSON.stringify({ lockfileVersion: 3, requires: true, packages: { '': { dependencies: PLUGIN } } }),
      },
      { path: 'config/opencode/node_modules/.package-lock.json', keep: () => '{}' },
    ],
  },
  reader: opencodeReader,
};

/** Parts as they are done; each step ends with its own cost and tokens. */
export function opencodeReader(): OutputReader {
  let total: Usage = {};
  let overflows = 0;
  return jsonLines((event) => {
    const part = record(event.part);
    if (event.type === 'text') return part.synthetic === true ? {} : spoken(text(part.text));
    if (event.type === 'tool_use') return said(toolCall(text(part.tool), record(record(part.state).input)));
    if (event.type === 'error') {
      const error = record(event.error);
      const data = record(error.data);
      const why = text(data.message) ?? text(error.name) ?? 'the agent failed';
      const body = text(data.responseBody) ?? '';
      const status = isCount(data.statusCode) ? { status: data.statusCode } : {};
      if (error.name === 'ContextOverflowError') {
        // It compacts the session and continues; if that is too long again, it would do so endlessly.
        overflows += 1;
        const problem: ProviderProblem = { text: why, kind: 'overflow' };
        return { ...said(why), ...(overflows > 1 ? { retry: problem } : { error: problem }) };
      }
      return { ...said(why), error: { text: body === '' ? why : `${why} ${body}`, ...status } };
    }
    if (event.type !== 'step_finish') return {};
    const tokens = record(part.tokens);
    const cache = record(tokens.cache);
    total = addUsage(total, {
      ...(isCount(part.cost) ? { costUsd: part.cost } : {}),
      tokensIn: count(tokens.input) + count(cache.write),
      tokensOut: count(tokens.output) + count(tokens.reasoning),
      tokensCached: count(cache.read),
    });
    // An answer came: whatever was wrong before has passed.
    return { usage: total, error: 'none' };
  });
}

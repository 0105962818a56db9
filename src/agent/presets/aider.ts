/** aider without a terminal: its arguments and what the lines that it prints say. */

import type { Usage } from '../../model/action.js';
import { addUsage } from '../usage.js';
import { said } from './json-lines.js';
import type { Preset } from './preset.js';
import type { OutputReader } from './reading.js';

// Its history files would lie in the workspace and count as files written outside the outputs; without git it makes
// no commit and no map.
const ARGUMENTS = [
  ...['--yes-always', '--no-auto-commits', '--no-git'],
  ...['--no-gitignore', '--no-pretty', '--no-stream', '--no-check-update', '--no-show-release-notes'],
  ...['--no-suggest-shell-commands', '--map-tokens', '0'],
  ...['--chat-history-file', '/dev/null', '--input-history-file', '/dev/null'],
];

export const aider: Preset = {
  program: 'aider',
  identity: ['aider', '--message-file', '{promptFile}', ...ARGUMENTS],
  arguments: ({ promptFile, model, variant }) => [
    ...['--message-file', promptFile, ...ARGUMENTS],
    ...(model === undefined ? [] : ['--model', model]),
    ...(variant === undefined ? [] : ['--reasoning-effort', variant]),
  ],
  reportsCost: true,
  provider: 'aider',
  state: { folder: '.aider', credentials: [] },
  reader: aiderReader,
};

const TOKENS = /^(?:> )?Tokens: ([\d.,]+)([kM]?) sent,.*?([\d.,]+)([kM]?) received\.(.*)$/;
const ERROR = /^(?:litellm\.)?(\w*(?:Error|Exception))\b:? ?(.*)$/;

/** Text; after each exchange a line with its tokens (rounded) and, for known models, the cost so far. */
export function aiderReader(): OutputReader {
  let total: Usage = {};
  return (line) => {
    const match = TOKENS.exec(line.trim());
    if (!match) {
      const failed = ERROR.exec(line.trim());
      // The name of litellm's exception is the only status that it prints.
      if (failed) return { ...said(line), error: { text: `${failed[1]}: ${failed[2]}` } };
      return { ...said(line), ...(line.trim() === '' ? {} : { words: line }) };
    }
    total = addUsage(total, {
      tokensIn: rounded(match[1], match[2]),
      tokensOut: rounded(match[3], match[4]),
    });
    const cost = /\$([\d.]+) session/.exec(match[5] ?? '')?.[1];
    if (cost !== undefined) total = { ...total, costUsd: Number(cost) };
    return { usage: total, say: line, error: 'none' };
  };
}

function rounded(digits: string | undefined, unit: string | undefined): number {
  const scale = unit === 'M' ? 1_000_000 : unit === 'k' ? 1000 : 1;
  return Math.round(Number((digits ?? '0').replaceAll(',', '')) * scale);
}

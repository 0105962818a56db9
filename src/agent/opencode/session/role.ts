/**
 * What a session may write, and which tools it has no use for, by what is expected of it. Knows no session and no server.
 */

import { escaped } from '../../../model/paths/glob.js';
import { parsePattern, patternSource, shownPattern } from '../../../model/paths/pattern.js';
import { excludedText, isExclude } from '../../../model/paths/pattern-set.js';
import type { Expected } from '../../agent.js';

/** What OpenCode's own file tools may write; read by the guard in the server. */
export interface WriteRules {
  /** In order: the last rule that matches a path decides. */
  readonly rules: readonly { readonly source: string; readonly allow: boolean }[];
  /** What the tool answers for another path, behind its name. */
  readonly refusal: string;
}

/** Patterns that a refusal names. */
const NAMED = 20;

export function writeRules(expected: Expected): WriteRules {
  if (expected.kind === 'document') {
    return {
      rules: [{ source: escaped(expected.path), allow: true }],
      refusal: `is not what this session writes, and nothing was changed. Write \`${expected.path}\`, and nothing else.`,
    };
  }
  const { outputs, edits } = expected;
  const list = [...listed('It may write', outputs), ...listed('It may change', edits)].join(' ');
  return {
    rules: [...outputs, ...edits].flatMap((text): WriteRules['rules'] => {
      const { source, isExact } = patternSource(parsePattern(excludedText(text)));
      // What is not known exactly is left to the capture, which drops it.
      return isExclude(text) ? (isExact ? [{ source, allow: false }] : []) : [{ source, allow: true }];
    }),
    refusal: `is not a file that this task may write, and nothing was changed. ${list} Scratch files go to /tmp, by a command. If the task cannot be done without it, do the rest, call \`task_needs\` (kind \`write\`), and stop.`,
  };
}

function listed(what: string, patterns: readonly string[]): string[] {
  if (patterns.length === 0) return [];
  const named = patterns.slice(0, NAMED).map((text) => `\`${shownPattern(text)}\``);
  const more = patterns.length > NAMED ? ` and ${patterns.length - NAMED} more` : '';
  return [`${what} ${named.join(', ')}${more}.`];
}

/** Use the network, start more agents, ask people, or keep lists that nobody reads. */
const NEVER = [
  'todowrite',
  'todoread',
  'task',
  'webfetch',
  'websearch',
  'codesearch',
  'question',
  'skill',
  'lsp',
];
/** Change files or run programs; a document is one call of `write`. */
const WORK = [
  'bash',
  'apply_patch',
  'task_read',
  'task_progress',
  'task_needs',
  'task_unchanged',
  'task_blocked',
];

/**
 * Tools that are off in a session of one of conductor's own agent definitions: their schemas would be sent with each call of
 * a model. A project's own definition says itself what it permits.
 */
export function toolsOff(expected: Expected): Readonly<Record<string, false>> {
  const names = expected.kind === 'document' ? [...NEVER, ...WORK] : NEVER;
  return Object.fromEntries(names.map((name) => [name, false as const]));
}

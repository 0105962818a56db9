/**
 * Tools with which an agent reads its task again, reports progress and says that it cannot go on. Whoever runs the
 * session sees the calls in its events. Types are the only thing imported from packages, so that the file loads without
 * any.
 */

import type { Plugin, ToolDefinition } from '@opencode-ai/plugin';

const MAX_TEXT = 500;
/** Reports of one session that are taken: more are no help to anybody. */
const MAX_REPORTS = 100;
const KINDS = ['file', 'decision', 'dependency', 'environment', 'contradiction'] as const;

const NEEDS = ['write', 'read', 'dependency', 'task', 'contradiction'] as const;

interface Message {
  readonly info: { readonly role: string };
  readonly parts: readonly { readonly type: string; readonly text?: string; readonly synthetic?: boolean }[];
}

/** What `args` are checked against here: OpenCode shows schemas to the model and checks nothing. */
function textArgument(args: unknown, name: string): { text: string } | { problem: string } {
  const value = (args as Record<string, unknown> | undefined)?.[name];
  if (typeof value !== 'string' || value.trim() === '') return { problem: `\`${name}\` must be a text` };
  if (value.length > MAX_TEXT) return { problem: `\`${name}\` must have at most ${MAX_TEXT} characters` };
  return { text: value.replace(/\s+/g, ' ').trim() };
}

const text = (description: string) => ({ type: 'string', description, maxLength: MAX_TEXT });

/** OpenCode takes plain JSON Schema for arguments; its types know zod only. */
function tool(
  description: string,
  args: Readonly<Record<string, object>>,
  execute: ToolDefinition['execute'],
): ToolDefinition {
  return { description, args, execute } as unknown as ToolDefinition;
}

export const TaskTracker: Plugin = async ({ client, directory }) => {
  const reports = new Map<string, number>();
  const blocked = new Set<string>();

  return {
    tool: {
      task_read: tool(
        'Your task in its own words. Read it again when you are not sure what was asked.',
        {},
        async (_args, context) => {
          const answer = await client.session.messages({
            path: { id: context.sessionID },
            query: { directory: context.directory ?? directory },
          });
          const messages = (answer.data ?? []) as unknown as Message[];
          const first = messages.find(({ info }) => info.role === 'user');
          const words = (first?.parts ?? [])
            .filter((part) => part.type === 'text' && !part.synthetic)
            .map((part) => part.text ?? '');
          return words.join('\n').trim() || 'There is no task in this session.';
        },
      ),
      task_progress: tool(
        'Say in one line what you have finished. For a person who looks on; it is not an answer and ends nothing.',
        { done: text('what is finished now, in one line') },
        async (args, context) => {
          const done = textArgument(args, 'done');
          if ('problem' in done) return `Not noted: ${done.problem}.`;
          const count = (reports.get(context.sessionID) ?? 0) + 1;
          if (count > MAX_REPORTS) return `Not noted: ${MAX_REPORTS} reports are enough; go on without.`;
          reports.set(context.sessionID, count);
          return 'Noted. Go on.';
        },
      ),
      task_needs: tool(
        'Ask for what the task does not allow and cannot be done without. Do the rest first, then ask once for each thing, and stop.',
        {
          kind: {
            type: 'string',
            enum: NEEDS,
            description:
              'write or read: a file; dependency: a package; task: another task is the cause; contradiction: the spec contradicts itself',
          },
          what: text(
            'the path, the name of the package, or the label of the task; nothing for a contradiction',
          ),
          because: text('why the task cannot be done without it'),
        },
        async (args) => {
          const { kind, what } = (args ?? {}) as { kind?: unknown; what?: unknown };
          const because = textArgument(args, 'because');
          if (!NEEDS.some((one) => one === kind))
            return `Not noted: \`kind\` must be one of ${NEEDS.join(', ')}.`;
          const named = textArgument(args, 'what');
          if (kind !== 'contradiction' && 'problem' in named) return `Not noted: ${named.problem}.`;
          if (what !== undefined && what !== '' && 'problem' in named) return `Not noted: ${named.problem}.`;
          if ('problem' in because) return `Not noted: ${because.problem}.`;
          return 'Noted. A person decides; your files are kept. Do what can be done without, then stop.';
        },
      ),
      task_unchanged: tool(
        'State that every criterion is met already and that no file has to change. Only when you have checked it.',
        { because: text('what you checked, and what it showed') },
        async (args) => {
          const because = textArgument(args, 'because');
          if ('problem' in because) return `Not noted: ${because.problem}.`;
          return 'Noted. Stop now and answer in one line.';
        },
      ),
      task_blocked: tool(
        'Say that the task cannot be done as it stands, and why. Only when you cannot go on by any honest means; then stop.',
        {
          because: text('what stands in the way, with paths and names'),
          needs: { type: 'string', enum: KINDS, description: 'what would have to change' },
        },
        async (args, context) => {
          const because = textArgument(args, 'because');
          const needs = (args as Record<string, unknown> | undefined)?.needs;
          if ('problem' in because) return `Not noted: ${because.problem}.`;
          if (!KINDS.some((kind) => kind === needs))
            return `Not noted: \`needs\` must be one of ${KINDS.join(', ')}.`;
          if (blocked.has(context.sessionID)) return 'It is noted already. Stop now and answer in one line.';
          blocked.add(context.sessionID);
          return 'Noted. Stop now and answer in one line.';
        },
      ),
    },
  };
};

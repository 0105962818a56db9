/** The tools with which a client works on tasks: take, submit, ask for what is missing, give back. */

import type { InboxRequest } from '../../agent/inbox/request-folder.js';
import type { McpAnswer, McpTool } from '../../io/network/mcp.js';
import type { BackgroundBuild, BuildEnd } from './background-build.js';
import { WAIT } from './command-tools.js';
import { type Claims, type OpenRequest, type Outcome, outcomeOf } from './requests.js';
import { refused, tool } from './tool.js';
import { untilFound } from './waiting.js';

const REQUEST = {
  description: 'The id of the request, as `take_task` gave it. Default: the one that you hold.',
  type: 'string',
  pattern: '^[\\w.~-]+$',
  maxLength: 300,
};

const NEEDS = {
  description: 'What is missing.',
  type: 'array',
  minItems: 1,
  maxItems: 20,
  items: {
    type: 'object',
    required: ['kind', 'because'],
    additionalProperties: false,
    properties: {
      kind: {
        description:
          '`write`, `read`: a file; `dependency`: a package; `task`: another task is the cause; `contradiction`: the spec contradicts itself.',
        enum: ['write', 'read', 'dependency', 'task', 'contradiction'],
      },
      what: {
        description: 'The path, the name of the package, or the label of the task.',
        type: 'string',
        minLength: 1,
        maxLength: 500,
      },
      because: { description: 'The reason, for the person.', type: 'string', minLength: 1, maxLength: 2000 },
    },
  },
};

export function taskTools(claims: Claims, builds: BackgroundBuild): McpTool[] {
  /** The request of a call, if the caller holds it. Each call is a sign of life. */
  const held = async (id: string, session: string): Promise<OpenRequest | string> => {
    await claims.renew(session);
    const all = await claims.requests();
    if (id === '') {
      const own = all.filter((one) => claims.isHeldBy(one, session) && !one.isAnswered && !one.isCancelled);
      if (own.length === 1) return own[0] as OpenRequest;
      return own.length === 0
        ? 'you hold no request. Call take_task.'
        : 'you hold several requests: name one';
    }
    const request = all.find((one) => one.id === id);
    if (!request || request.isCancelled) {
      return `the request ${id} is not open any more: its build has ended or needs it no longer. Call take_task again.`;
    }
    return claims.isHeldBy(request, session)
      ? request
      : `the request ${id} is not yours (any more). Call take_task.`;
  };
  return [
    tool({
      name: 'take_task',
      description:
        'Takes the next ready piece of work: a prompt and a workspace that are yours until you submit or give them back. Starts a build if none runs; the build asks you instead of the configured agent. Work in the workspace only, then call `submit_task`.',
      properties: {
        task: { description: 'Only this task.', type: 'string', pattern: '^[^-].*$', maxLength: 500 },
        wait_seconds: WAIT,
      },
      isReadOnly: false,
      async run(args, { session, client, signal }) {
        const task = args.get<string>('task');
        await claims.renew(session);
        const found = await untilFound(
          async (): Promise<McpAnswer | undefined> => {
            const taken = await claims.take(session, client, task);
            if (taken) return offer(taken, await claims.promptOf(taken));
            builds.waits(session);
            if (builds.isRunning) return undefined;
            const ended = await builds.untold(session);
            if (ended) return nothing(builds, ended);
            builds.start([
              'build',
              ...(task === undefined ? [] : [task.split('@', 1)[0] as string]),
              '--inbox',
            ]);
            builds.waits(session);
            return undefined;
          },
          args.ms('wait_seconds', 30),
          signal,
        );
        return found ?? { text: `nothing is ready yet. ${await standing(claims, session)}` };
      },
    }),
    tool({
      name: 'submit_task',
      description:
        'Says that the work is done. conductor takes the files from the workspace (and those of `files`), runs the gates, and publishes the result at the end of the build. Returns what became of it.',
      properties: {
        request: REQUEST,
        message: { description: 'What you did, in a few lines.', type: 'string', maxLength: 20_000 },
        files: {
          description:
            'Files by path with their whole text, or null to remove one. Only if you did not write them into the workspace.',
          type: 'object',
          additionalProperties: { type: ['string', 'null'] },
        },
        unchanged: {
          description: 'Why no file has to change: all criteria are met already.',
          type: 'string',
          minLength: 1,
          maxLength: 2000,
        },
        document: { description: 'The document, if the request asks for one.', type: 'string' },
        model: {
          description: 'The model that you are, for the record.',
          type: 'string',
          minLength: 1,
          maxLength: 200,
        },
        wait_seconds: WAIT,
      },
      isReadOnly: false,
      async run(args, { session, signal }) {
        const request = await held(args.text('request'), session);
        if (typeof request === 'string') return refused(request);
        const unchanged = args.get<string>('unchanged');
        const answer = {
          status: 'done',
          ...only(args.get('message'), 'message'),
          ...only(args.get('files'), 'files'),
          ...only(args.get('document'), 'document'),
          ...only(args.get('model'), 'model'),
          ...(unchanged === undefined ? {} : { report: { unchanged } }),
        };
        const since = await claims.answer(request, answer);
        return told(request, await outcomeOf(request, since, args.ms('wait_seconds', 45), signal));
      },
    }),
    tool({
      name: 'report_needs',
      description:
        'Says what the task does not allow and cannot be done without. Do the rest first: conductor keeps it and runs the gates. A person then decides.',
      properties: {
        request: REQUEST,
        needs: NEEDS,
        message: { description: 'What you did, in a few lines.', type: 'string', maxLength: 20_000 },
        wait_seconds: WAIT,
      },
      required: ['needs'],
      isReadOnly: false,
      async run(args, { session, signal }) {
        const request = await held(args.text('request'), session);
        if (typeof request === 'string') return refused(request);
        const message = only(args.get('message'), 'message');
        const answer = { status: 'done', ...message, report: { needs: args.get('needs') } };
        const since = await claims.answer(request, answer);
        const outcome = await outcomeOf(request, since, args.ms('wait_seconds', 45), signal);
        return { text: told(request, outcome).text };
      },
    }),
    tool({
      name: 'release_task',
      description: 'Gives a request back without an answer. What you wrote into its workspace is removed.',
      properties: { request: REQUEST },
      isReadOnly: false,
      async run(args, { session }) {
        const request = await held(args.text('request'), session);
        if (typeof request === 'string') return refused(request);
        await claims.release(request);
        return { text: `${request.task} is free again` };
      },
    }),
    tool({
      name: 'open_tasks',
      description: 'The requests that wait for an answer, and who works on each.',
      properties: {},
      isReadOnly: true,
      async run(_args, { session }) {
        await claims.renew(session);
        return { text: await standing(claims, session) };
      },
    }),
  ];
}

function only<T>(value: T | undefined, name: string): Record<string, T> {
  return value === undefined ? {} : { [name]: value };
}

/** The prompt, below what a worker has to know of the request. */
function offer(request: InboxRequest, prompt: string): McpAnswer {
  const { id, task, role, attempt, workspace, expected, limits } = request;
  const may =
    expected.kind === 'document'
      ? [`Write exactly one file: ${expected.path} (or pass its text as \`document\` of submit_task).`]
      : [
          `You may write these files only: ${expected.outputs.join(', ') || 'none'}.`,
          ...(expected.edits.length === 0 ? [] : [`You may change: ${expected.edits.join(', ')}.`]),
        ];
  const head = [
    `request: ${id}`,
    `task: ${task} (${role}, attempt ${attempt})`,
    `workspace: ${workspace}`,
    '',
    'Work in the workspace; never commit there. Paths below are relative to it.',
    ...may,
    `Call submit_task with this request when you are done, report_needs if the task does not allow what it needs (the prompt says the same about \`answer.json\`, which you do not write). If you call no tool of conductor for ${limits.leaseMinutes} minutes, somebody else gets the task.`,
    '',
    '---',
    '',
  ];
  return { text: `${head.join('\n')}${prompt}` };
}

function nothing(builds: BackgroundBuild, ended: BuildEnd): McpAnswer {
  const text = `there is no work: \`${builds.command}\` has ended\n${ended.text}`;
  return { text, ...(ended.code === 0 ? {} : { isError: true }) };
}

function told({ task }: InboxRequest, outcome: Outcome | undefined): McpAnswer {
  if (!outcome) return { text: `conductor still checks ${task}; see \`log\` or \`open_tasks\`` };
  return { text: outcome.text, ...(outcome.isGood ? {} : { isError: true }) };
}

async function standing(claims: Claims, session: string): Promise<string> {
  const open = (await claims.requests()).filter(({ isCancelled }) => !isCancelled);
  if (open.length === 0) return 'No request is open.\n';
  const lines = open.map((one) => {
    const who = claims.isHeldBy(one, session) ? 'yours' : (one.holder ?? 'free');
    return `${one.id}: ${one.task} (${one.role}, attempt ${one.attempt}), ${one.isAnswered ? 'answered' : who}`;
  });
  return `${lines.join('\n')}\n`;
}

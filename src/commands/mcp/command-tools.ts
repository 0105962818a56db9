/** The tools that show a project and build it: each is a command of conductor, run as a process of its own. */

import type { McpAnswer, McpTool } from '../../io/network/mcp.js';
import type { BackgroundBuild, RunConductor } from './background-build.js';
import { type ToolArguments, tool } from './tool.js';

/** No argument of a tool can be an option. */
const TARGET = { type: 'string', pattern: '^[^-].*$', maxLength: 500 };
const TARGETS = {
  description: 'Features, task labels, or globs of either. Default: everything.',
  type: 'array',
  maxItems: 50,
  items: TARGET,
};
export const WAIT = {
  description: 'Seconds to wait before the call returns with what is known so far.',
  type: 'number',
  minimum: 0,
  maximum: 600,
};

/** A command that changes nothing. */
interface Shown {
  readonly name: string;
  readonly description: string;
  readonly properties?: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
  argv(args: ToolArguments): readonly string[];
}

export function commandTools(run: RunConductor, builds: BackgroundBuild): McpTool[] {
  const show = ({ argv, ...rest }: Shown) =>
    tool({
      properties: {},
      ...rest,
      isReadOnly: true,
      run: (args, { signal }) => answerOf(run, argv(args), signal),
    });
  const task = { task: { ...TARGET, description: 'A task label: `feature-001-auth/T02`.' } };
  const required = ['task'];
  return [
    show({
      name: 'status',
      description: 'The verdict of each task, as JSON. `fresh` is up to date.',
      properties: { targets: TARGETS },
      argv: (args) => ['status', ...args.list('targets'), '--json'],
    }),
    show({
      name: 'explain',
      description: 'Why a task would be built or not, as JSON.',
      properties: task,
      required,
      argv: (args) => ['explain', args.text('task'), '--json'],
    }),
    show({
      name: 'plan_build',
      description: 'What a build would do, and why. Builds nothing.',
      properties: { targets: TARGETS },
      argv: (args) => ['build', ...args.list('targets'), '--dry-run'],
    }),
    show({
      name: 'prompt',
      description: 'The prompt that an agent would get for a task.',
      properties: task,
      required,
      argv: (args) => ['prompt', args.text('task')],
    }),
    show({
      name: 'log',
      description: 'What happened in the last build, in a build by its name, or with a task.',
      properties: {
        of: { ...TARGET, description: 'A task label or the name of a build. Default: the last build.' },
      },
      argv: (args) => ['log', ...(args.text('of') === '' ? [] : [args.text('of')])],
    }),
    show({
      name: 'metrics',
      description: 'What agents used and how often they succeeded, as JSON.',
      argv: () => ['metrics', '--json'],
    }),
    show({
      name: 'map',
      description: 'The repository map, with the owner and the patchers of each file.',
      argv: () => ['map'],
    }),
    show({
      name: 'validate',
      description: 'Every problem of the specs, with its place.',
      argv: () => ['validate'],
    }),
    tool({
      name: 'build',
      description:
        'Builds with the configured agent, which may cost money. If the build takes longer than `wait_seconds`, call it again: it goes on with the running build. To work on tasks yourself use `take_task`.',
      properties: {
        targets: TARGETS,
        force: { description: 'Rebuild the targets even if results are stored.', type: 'boolean' },
        wait_seconds: WAIT,
      },
      isReadOnly: false,
      async run(args, { session, signal }) {
        const argv = ['build', ...args.list('targets'), ...(args.get<boolean>('force') ? ['--force'] : [])];
        if (!builds.isRunning) builds.start(argv);
        const ended = await builds.ended(args.ms('wait_seconds', 45), signal);
        await builds.untold(session);
        if (!ended) return { text: `${builds.command} is running\n${builds.lastLines()}` };
        return { text: ended.text, ...(ended.code === 0 ? {} : { isError: true }) };
      },
    }),
  ];
}

async function answerOf(run: RunConductor, argv: readonly string[], signal: AbortSignal): Promise<McpAnswer> {
  const { code, stdout, stderr } = await run(argv, signal);
  if (code === 0) return { text: stdout === '' ? stderr : stdout };
  return { text: `${stdout}${stderr}`, isError: true };
}

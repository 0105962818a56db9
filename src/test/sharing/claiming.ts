/** Several builds of one project at the same time, in clones or worktrees, with agents that a test holds open. */

import { expect } from 'vitest';
import type { AgentRequest } from '../../agent/agent.js';
import { createRig, type Held, type Rig, type RigOptions } from '../rig/rig.js';
import type { Story } from '../rig/rig-story.js';
import { cloneProject } from '../rig/shared-project.js';

type Config = NonNullable<RigOptions['config']>;

/** A project with independent tasks of agents, whose outputs are not committed. */
export async function createTasks(count: number, config: Config): Promise<Rig> {
  const rig = await createRig({ config });
  rig.write({ '.gitignore': '.conductor/\n/out/\n' });
  const ids = Array.from({ length: count }, (_, at) => `T${String(at + 1).padStart(2, '0')}`);
  rig.backlog(
    'f',
    Object.fromEntries(ids.map((id) => [id, { description: `Do ${id}`, outputs: [`out/${id}.txt`] }])),
  );
  for (const id of ids) rig.answer(`f/${id}`, { [`out/${id}.txt`]: `${id}\n` });
  rig.commit();
  return rig;
}

export const waits = (story: Story) => story.of('task.phase').filter(({ phase }) => phase === 'claim-wait');

/** An agent whose sessions all stay open until the test lets them go. */
function gated(rig: Rig): {
  readonly auto: (request: AgentRequest) => ReturnType<ReturnType<Rig['answerer']>>;
  open(): void;
} {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const answer = rig.answerer();
  return {
    auto: async (request) => {
      await opened;
      return answer(request);
    },
    open: () => open(),
  };
}

/** Starts a build in each folder, lets agents work when one of them waits for another, and gives the stories. */
export async function buildTogether(rig: Rig, folders: readonly string[]): Promise<Story[]> {
  const agent = gated(rig);
  const builds: Held[] = folders.map((dir) => {
    rig.dir = dir;
    return rig.start({}, { auto: agent.auto });
  });
  await Promise.any(builds.map((one) => one.until((story) => waits(story).length > 0)));
  agent.open();
  return Promise.all(builds.map((one) => one.done));
}

export function calls(stories: readonly Story[]): string[] {
  return stories.flatMap((story) => story.agent.runs.map(({ label }) => label)).sort();
}

/** Each task was paid for by one of the builds, and restored by those that waited for it. */
export function expectPaidOnce(stories: readonly Story[], tasks: number): void {
  expect(stories.map(({ summary }) => summary.exitCode)).toEqual(stories.map(() => 0));
  expect(stories.flatMap((story) => story.warnings())).toEqual([]);
  const made = calls(stories);
  expect(made.length).toBe(tasks);
  expect(new Set(made).size).toBe(tasks);
  const counts = stories.map(({ summary }) => summary.counts);
  for (const { built, cached, verified } of counts) expect(built + cached + verified).toBe(tasks);
  expect(counts.reduce((sum, { built }) => sum + built, 0)).toBe(tasks);
  expect(stories.flatMap(waits)[0]?.detail).toMatch(/^waits for the result of /);
}

export function threeClones(rig: Rig): string[] {
  return ['one', 'two', 'three'].map((name) => {
    cloneProject(rig, name);
    return rig.dir;
  });
}

/** Plans of a rig's project with a scripted agent, and what planners write in tests. Knows no test's story. */

import type { AgentRequest } from '../../agent/agent.js';
import { ScriptedAgent, type ScriptedFiles, type ScriptedOptions } from '../../agent/scripted-agent.js';
import { type PlanOutcome, plan } from '../../commands/plan/plan.js';
import type { PlanOptions } from '../../commands/plan/planned-feature.js';
import type { Failure } from '../../model/failure.js';
import { until } from './command-line.js';
import type { Rig } from './rig.js';
import { backlogYaml, type TaskText } from './rig-backlog.js';
import { Story } from './rig-story.js';

export const PLAN: Omit<PlanOptions, 'target'> = {
  dryRun: false,
  fresh: false,
  discardEdits: false,
  budgetUsd: undefined,
  wait: true,
  command: 'conductor plan f',
};

export class PlanStory extends Story {
  outcome: PlanOutcome | undefined;

  /** Why the plan failed: as its document says, or as the whole. */
  refusal(): Failure | undefined {
    return this.buildFailure() ?? this.of('task.finished').find(({ failure }) => failure)?.failure;
  }

  get feature(): string | undefined {
    return this.outcome?.feature;
  }
}

export interface HeldPlan {
  readonly agent: ScriptedAgent;
  readonly story: PlanStory;
  readonly done: Promise<PlanStory>;
  until(holds: () => boolean): Promise<void>;
  cancel(): void;
}

/** A plan that runs while the test looks at it; without an automatic agent each run is held open. */
export function startPlan(
  rig: Rig,
  options: Partial<PlanOptions> = {},
  scripted: ScriptedOptions = {},
): HeldPlan {
  const agent = new ScriptedAgent(scripted);
  const story = new PlanStory(agent);
  const controller = new AbortController();
  const asked = { ...PLAN, target: { kind: 'feature', name: 'f' } as const, ...options };
  const done = plan(rig.host(agent), asked, (event) => story.events.push(event), controller.signal).then(
    (outcome) => {
      story.outcome = outcome;
      return story.end(outcome.summary);
    },
  );
  return {
    agent,
    story,
    done,
    until: (holds) => until('the plan to get there', holds),
    cancel: () => controller.abort(),
  };
}

export const PLAN_TEXT =
  '# Plan: Notes\n\n## Requirements\n\n### R1 Notes\n\nNotes can be kept.\n\n## Structure\n\n### File\n\nOne file.\n\n## Assumptions\n\n- One user.\n- No disk.\n';

export type Backlog = Readonly<Record<string, TaskText>> | string;

export interface Planners {
  /** Text below `## Requirements`-like headings; by planner. */
  readonly spec?: string;
  readonly arch?: string;
  readonly qa?: string;
  /** The plan that is made of the drafts. */
  readonly plan?: string;
  /** Tasks by id, or the text itself; one after the other when it is sent back. */
  readonly backlog: Backlog | readonly Backlog[];
}

/** An agent that plays all planners, and counts nothing but what a test looks at. */
export function planners(script: Planners): (request: AgentRequest) => ScriptedFiles | Failure {
  const backlogs: Backlog[] = Array.isArray(script.backlog)
    ? [...script.backlog]
    : [script.backlog as Backlog];
  return ({ label }) => {
    const [feature, name] = label.split('/@') as [string, string];
    const document = (text: string) => ({
      [`specs/${feature}/plan-${name.slice('planner-'.length)}.md`]: text,
    });
    switch (name) {
      case 'planner-spec':
        return document(script.spec ?? '## Purpose\n\nNotes can be kept.\n\n## Assumptions\n\n- One user.\n');
      case 'planner-arch':
        return document(
          script.arch ?? '## Parts\n\nOne file.\n\n## Assumptions\n\n- One user.\n- No disk.\n',
        );
      case 'planner-qa':
        return document(script.qa ?? '## Cases\n\nAn empty note is refused.\n');
      case 'plan':
        return { [`specs/${feature}/PLAN.md`]: script.plan ?? PLAN_TEXT };
      case 'backlog': {
        const next = (backlogs.length > 1 ? backlogs.shift() : backlogs[0]) as Backlog;
        const text = typeof next === 'string' ? next : backlogYaml(feature, next);
        return { [`specs/${feature}/BACKLOG.yaml`]: text };
      }
      default:
        throw new Error(`no planner is called ${label}`);
    }
  };
}

export function runPlan(
  rig: Rig,
  script: Planners,
  options: Partial<PlanOptions> = {},
  scripted: ScriptedOptions = {},
): Promise<PlanStory> {
  return startPlan(rig, options, { auto: planners(script), ...scripted }).done;
}

/** A plan for which no agent may be called. */
export function planWithoutAgent(rig: Rig, options: Partial<PlanOptions> = {}): Promise<PlanStory> {
  return startPlan(rig, options, { tripwire: true }).done;
}

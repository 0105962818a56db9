/** What happened in one build, read from its events. Knows nothing of how the build was made. */

import type { ScriptedAgent } from '../../agent/scripted-agent.js';
import type { BuildEvent, BuildEventType, BuildSummary } from '../../model/event.js';
import { type SingleEvent, singleEvents } from '../../model/events/events-together.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import type { Verdict } from '../../model/verdict.js';

export class Story {
  readonly events: BuildEvent[] = [];
  readonly agent: ScriptedAgent;
  private ended: BuildSummary | undefined;

  constructor(agent: ScriptedAgent) {
    this.agent = agent;
  }

  end(summary: BuildSummary): this {
    this.ended = summary;
    return this;
  }

  get summary(): BuildSummary {
    if (!this.ended) throw new Error('the build has not ended');
    return this.ended;
  }

  of<T extends BuildEventType>(type: T): Extract<BuildEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<BuildEvent, { type: T }> => event.type === type);
  }

  /** The events, with those that tell of many tasks as events of each of them. */
  single(): SingleEvent[] {
    return this.events.flatMap((event) => [...singleEvents(event)]);
  }

  /** Labels whose recipe was started, in order. */
  ran(): Label[] {
    return this.of('task.started')
      .filter((event) => event.recipe !== 'gates')
      .map((event) => event.task);
  }

  /** Names of the gates that ran, in order. */
  gates(): string[] {
    return this.of('gate.started').map((event) => event.gate);
  }

  /** The last outcome of each task. */
  outcomes(): Record<Label, string> {
    return Object.fromEntries(
      this.single().flatMap((event) => (event.type === 'task.finished' ? [[event.task, event.outcome]] : [])),
    );
  }

  /** Each check of a task, in order. */
  checks(): { readonly task: Label; readonly verdict: Verdict }[] {
    return this.single().flatMap((event) => (event.type === 'task.checked' ? [event] : []));
  }

  /** The first verdict of each task. */
  verdicts(): Record<Label, string> {
    return Object.fromEntries(
      this.checks()
        .reverse()
        .map((event) => [event.task, event.verdict.kind]),
    );
  }

  verdict(label: Label): Verdict | undefined {
    return this.checks().find((event) => event.task === label)?.verdict;
  }

  /** Why the task failed; undefined when it did not. */
  failure(label: Label): Failure | undefined {
    return this.of('task.finished').find((event) => event.task === label)?.failure;
  }

  /** Why the build as a whole failed. */
  buildFailure(): Failure | undefined {
    return this.of('build.failure')[0]?.failure;
  }

  warnings(): string[] {
    return this.of('warning').map((event) => event.message);
  }

  log(): string {
    return this.events.map((event) => JSON.stringify(event)).join('\n');
  }
}

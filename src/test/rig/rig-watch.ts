/** A watch of a rig's project in this process: its events, its clock and its agent are the test's. */

import type { ScriptedAgent } from '../../agent/scripted-agent.js';
import type { Result } from '../../base/result.js';
import { type OpenFileEvents, openFileEvents } from '../../commands/watch/file-events.js';
import { watchProject } from '../../commands/watch/watch-project.js';
import { WatchRequests } from '../../commands/watch/watch-requests.js';
import type { BuildEvent } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import { until } from './command-line.js';
import type { Rig } from './rig.js';
import { Story } from './rig-story.js';

export interface RigWatchOptions {
  readonly targets?: readonly string[];
  readonly poll?: boolean;
  /** Real events of the file system; the default is that the test tells of changes. */
  readonly real?: boolean;
  /** The end of each burst of saves. Absent: at once. */
  readonly quiet?: Promise<void>;
  /** Gets each event when it happens. */
  readonly on?: (event: BuildEvent) => void;
}

export class RigWatch implements AsyncDisposable {
  readonly story: Story;
  readonly agent: ScriptedAgent;
  readonly requests = new WatchRequests();
  /** Timers that are no storm's end: the next look. */
  private readonly timers = new Set<() => void>();
  private tell: (path: string) => void = () => {};
  private broken: (reason: string) => void = () => {};
  private readonly controller = new AbortController();
  readonly done: Promise<Result<undefined, Failure>>;
  /** How often something was told to be watched. */
  opened = 0;

  constructor(rig: Rig, agent: ScriptedAgent, options: RigWatchOptions = {}) {
    this.agent = agent;
    this.story = new Story(agent);
    const scripted: OpenFileEvents = async ({ onEvent, onBroken }) => {
      this.opened++;
      this.tell = onEvent;
      this.broken = onBroken;
      return { follow: () => {}, close: async () => {} };
    };
    this.done = watchProject({
      host: rig.host(agent),
      options: {
        targets: options.targets ?? [],
        workers: undefined,
        poll: options.poll === true,
        command: 'conductor watch',
      },
      openEvents: options.real ? openFileEvents : scripted,
      requests: this.requests,
      on: (event: BuildEvent) => {
        this.story.events.push(event);
        options.on?.(event);
      },
      signal: this.controller.signal,
      after: (ms, call) => {
        if (ms < 1000 && options.quiet) {
          void options.quiet.then(call);
          return () => {};
        }
        if (ms < 1000) {
          const timer = setTimeout(call, options.real ? ms : 0);
          return () => clearTimeout(timer);
        }
        this.timers.add(call);
        return () => this.timers.delete(call);
      },
    });
    this.done.catch(() => {});
  }

  /** What the file system would tell: which files changed, or only that something has. */
  event(...paths: string[]): void {
    for (const path of paths) this.tell(path);
    this.requests.ask('event');
  }

  /** The time for the next look has come. */
  tick(): void {
    for (const call of [...this.timers]) call();
  }

  breakEvents(reason: string): void {
    this.broken(reason);
  }

  /** Waits until everything that was asked for so far has been looked at. */
  async scanned(): Promise<void> {
    await until('the watch to look', () => this.timers.size > 0 && !this.requests.has('look'));
  }

  /** Waits until there is nothing to look at and nothing to build any more. */
  async quiet(): Promise<void> {
    await until('the watch to come to rest', () => {
      const last = (type: string) => this.story.events.findLastIndex((event) => event.type === type);
      return this.timers.size > 0 && !this.requests.has('look') && last('watch.idle') > last('build.started');
    });
  }

  /** Waits until the watch has nothing to do, for the nth time; gives the events since the time before. */
  async idle(times: number): Promise<Story> {
    await until(`the watch to be idle ${times} times`, () => this.story.of('watch.idle').length >= times);
    return this.since(times - 1);
  }

  /** The events after the nth time of being idle. */
  since(times: number): Story {
    const story = new Story(this.agent);
    let idle = 0;
    for (const event of this.story.events) {
      if (idle >= times) story.events.push(event);
      if (event.type === 'watch.idle') idle++;
    }
    return story;
  }

  async until(what: string, holds: (story: Story) => boolean): Promise<void> {
    await until(what, () => holds(this.story));
  }

  async quit(): Promise<void> {
    this.controller.abort();
    await this.done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.quit();
  }
}

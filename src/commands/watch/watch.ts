/** Scans when something may have changed, and keeps one build running for the newest snapshot. */

import { type BuildOptions, PLAIN_BUILD } from '../../build/options.js';
import type { Session } from '../../build/project-session.js';
import type { SessionState } from '../../build/session-state.js';
import { asFailure } from '../../io/errors.js';
import { canonicalJson } from '../../model/digest.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import { createEmit, type Emit } from '../../project/host.js';
import { WatchBuilds } from './builds.js';
import { changedPaths, SelfTriggered, Touched, urgentTasks } from './changes.js';
import type { FileEvents } from './file-events.js';
import type { WatchParts } from './parts.js';
import { Problems } from './problems.js';
import { Reader, type Reading, type Scoped, scopedTo, unknownTarget } from './reading.js';
import type { Scanner } from './scanner.js';
import { type Scope, scopeOf, WHOLE } from './scope.js';
import { Debounce, type WatchRequest } from './watch-requests.js';

const POLL_MS = 1000;
/** Events get lost (a queue overflows, a network file system): the longest that a change can go unseen. */
const CHECK_MS = 30_000;
const NAMED_PATHS = 20;
const NONE: ReadonlySet<Label> = new Set();

export class Watch {
  private readonly parts: WatchParts;
  private readonly session: Session;
  private readonly scanner: Scanner;
  private readonly sessionState: SessionState;
  private readonly reader: Reader;
  private readonly builds: WatchBuilds;
  private readonly selfTriggered = new SelfTriggered();
  private readonly emit: Emit;
  private events: Promise<FileEvents> | undefined;
  private scope: Scope = WHOLE;
  /** The last reading that the scope was made of; undefined: it was not of the files on disk. */
  private scoped: Scoped | undefined;
  private poll: boolean;
  private callOff: () => void = () => {};
  /** The last tree for which everything was built. */
  private seen: ObjectId | undefined;
  private looked: ObjectId | undefined;
  private justBuilt = false;
  private readonly problems: Problems;
  private config: string | undefined;
  private readonly touched = new Touched();
  private readonly debounce: Debounce;
  /** The last scan was partial, and no full scan has followed yet. */
  private onlyPartial = false;
  /** The files of the last scan, where it was partial. */
  private named: readonly string[] = [];
  unknownTarget: Failure | undefined;
  /** A build was ended early, so the files on disk have to be built in any case. */
  private isOwed = false;

  constructor(parts: WatchParts, session: Session, scanner: Scanner) {
    const { host, on } = parts;
    this.parts = parts;
    this.session = session;
    this.sessionState = session.sessionState;
    this.scanner = scanner;
    this.poll = parts.options.poll;
    this.emit = createEmit(host.now, on);
    this.problems = new Problems(this.emit);
    this.reader = new Reader(host, session, scanner);
    this.debounce = new Debounce({ ...parts, now: host.now, hasMore: () => parts.requests.has('event') });
    this.builds = new WatchBuilds({ host, session, scanner, on });
    this.emit({ type: 'watch.started', targets: parts.options.targets, poll: this.poll });
    parts.requests.ask('look');
  }

  /** One scan, and what follows from it. */
  async turn(request: WatchRequest): Promise<void> {
    this.callOff();
    this.problems.beginScan();
    try {
      await this.follow(request);
    } catch (error) {
      const failure = asFailure(error);
      // A damaged store is repaired by the next build, which is another command.
      if (!failure || failure.kind === 'store-damaged' || this.parts.signal.aborted) throw error;
      this.scanFailed(failure);
    }
    this.problems.endScan();
    if (this.onlyPartial) this.parts.requests.ask('look');
    this.onlyPartial = false;
    const every = this.poll ? POLL_MS : CHECK_MS;
    this.callOff = this.parts.after(every, () => this.parts.requests.ask('look'));
  }

  async close(): Promise<void> {
    this.callOff();
    await (await this.events)?.close();
    await this.builds.stop();
  }

  private async follow(request: WatchRequest): Promise<void> {
    const { requests } = this.parts;
    const { builds, sessionState } = this;
    // While a build publishes, the files on disk are in between two states.
    if (sessionState.isPublishing) await builds.running?.ended;
    const { running } = builds;
    const calm = request === 'event' ? this.debounce.calm() : undefined;
    const tree = await this.look(request);
    if (tree === undefined) return;

    const isAsked = request === 'now' || request === 'all' || request === 'failed' || this.isOwed;
    const base = running?.tree ?? this.seen;
    // What could not be read before cannot be read now.
    const isKnown = tree === (this.problems.ofReading ? this.looked : base);
    const changed = base === undefined ? [] : await changedPaths(this.session.objects, base, tree);
    const mayDecide = !isKnown && (changed.length === 0 || changed.some((path) => this.scope.decides(path)));
    // It is read before the series of changes has ended, and read again if more changes come.
    // What fails again is a target.
    const since = this.parts.options.targets.length === 0 && request !== 'failed' ? this.scoped : undefined;
    const read = () => this.reader.read(tree, since);
    const before = this.reader.lastWhole;
    const [early] = await Promise.all([mayDecide ? read() : undefined, calm]);
    if (calm) await this.noticeMore(tree);
    const isOver = request !== 'event' || !this.debounce.goesOn();
    // A build that came to its end meanwhile has written something.
    if (sessionState.isPublishing || builds.running !== running || !isOver) return requests.ask(request);
    this.looked = tree;
    if (isKnown && !isAsked) return this.idle(tree);
    if (base !== undefined && !isAsked && !this.mayReact(tree, changed)) return this.idle(tree);

    const reading = await this.take(early ?? (await read()), tree);
    if (!reading) return this.idle(tree);
    if (reading.project.snapshot === base && this.problems.ofReading && !isAsked) return this.idle(tree);
    if (request === 'failed' && builds.failed.length === 0) return this.idle(tree, 'no task has failed');
    // It came to its end after all: then what it left is what counts.
    if (builds.running && !(await builds.supersede())) return requests.ask(request);
    if (changed.length > 0) {
      this.emit({ type: 'watch.changed', paths: changed.slice(0, NAMED_PATHS), count: changed.length });
    }
    const urgent = reading.part ? NONE : urgentTasks(reading.project, before, changed);
    this.start(this.onlyPartial ? { ...reading, partial: tree } : reading, request, urgent);
  }

  /**
   * The tree of the files on disk; undefined if the scan failed, which an event reports. If events named the changed
   * files, the scan is partial, and a full one follows.
   */
  private async look(request: WatchRequest): Promise<ObjectId | undefined> {
    const touched = this.touched.take();
    this.named = [];
    if (request === 'event' && touched && !this.problems.ofReading) {
      const partial = await this.scanner.partialScan(touched);
      this.onlyPartial = partial !== undefined;
      if (partial !== undefined) {
        this.named = touched;
        return partial;
      }
    }
    const config = await this.reader.lookWith();
    const looked = config.ok ? await this.scanner.look(config.value) : config;
    if (looked.ok) return looked.value;
    this.scanFailed(looked.error);
    await this.watchFiles();
    return undefined;
  }

  /** Of several changes of one file within 50 ms, events tell only the first: the files of a partial scan are read once more. */
  private async noticeMore(tree: ObjectId): Promise<void> {
    const { named } = this;
    if (named.length === 0 || (await this.scanner.partialScan(named)) === tree) return;
    for (const path of named) this.touched.add(path);
    this.parts.requests.ask('event');
  }

  /** Each scan after it looks at all files. */
  private scanFailed(failure: Failure): void {
    this.touched.add();
    this.problems.scanFailed(failure, this.reader.lastWhole !== undefined);
  }

  private mayReact(tree: ObjectId, changed: readonly string[]): boolean {
    const { builds, selfTriggered } = this;
    const when = builds.running ? 'building' : this.justBuilt ? 'built' : 'idle';
    if (changed.length > 0 && !changed.some((path) => this.scope.decides(path))) {
      if (when !== 'building') this.seen = tree;
      return false;
    }
    if (changed.length === 0) return true;
    const judged = selfTriggered.judge(changed, when);
    if (judged === 'hold') {
      this.seen = tree;
      const [first, ...more] = changed;
      const others = more.length === 0 ? '' : ` and ${more.length} more`;
      const message = `${first}${others} changed with every build: conductor does not start a build for files that a gate or a recipe writes`;
      this.emit({ type: 'warning', message });
    }
    return judged === 'react';
  }

  /** Goes by what was read, or tells why it could not be. */
  private async take(
    read: Awaited<ReturnType<Reader['read']>>,
    tree: ObjectId,
  ): Promise<Reading | undefined> {
    if (!read.ok) {
      this.seen = tree;
      this.problems.readFailed(read.error, false);
      await this.watchFiles();
      return undefined;
    }
    const { reading, problem } = read.value;
    if (this.config === undefined)
      this.unknownTarget = unknownTarget(reading.project, this.parts.options.targets);
    if (this.unknownTarget) return undefined;
    if (problem) this.problems.readFailed(problem, true);
    else this.problems.readWell();
    const config = canonicalJson(reading.loaded.config);
    // With another config everything may go otherwise.
    if (this.config !== config) this.sessionState.failed.clear();
    this.config = config;
    this.scope = scopeOf(reading.project, this.scope);
    this.scoped = problem ? undefined : scopedTo(reading.project);
    await this.watchFiles();
    return reading;
  }

  private start(reading: Reading, request: WatchRequest, urgent: ReadonlySet<Label>): void {
    const { parts, builds, sessionState } = this;
    const { tasks } = reading.project.graph;
    if (request === 'all' || request === 'failed') sessionState.failed.clear();
    if (request === 'now' || request === 'all' || request === 'failed') this.selfTriggered.forget();
    const { targets, workers, budgetUsd, command } = parts.options;
    const options: BuildOptions = {
      ...PLAIN_BUILD,
      targets:
        request === 'all'
          ? []
          : request === 'failed'
            ? builds.failed.filter((label) => tasks.has(label))
            : targets,
      workers,
      budgetUsd,
      command,
    };
    this.onlyPartial = false;
    this.isOwed = false;
    const build = builds.start(reading, options, urgent);
    build.ended.then(
      ({ tree, isMistaken }) => {
        // Superseded only because another command held the lock: scan what it left.
        if (tree !== undefined) this.seen = tree;
        this.justBuilt = true;
        this.isOwed = isMistaken;
        this.touched.add();
        parts.requests.ask('look');
      },
      (error: unknown) => parts.requests.fail(error),
    );
  }

  private async watchFiles(): Promise<void> {
    if (this.poll) return;
    if (this.events) return (await this.events).follow(this.scope);
    const { requests, openEvents } = this.parts;
    this.events = openEvents(
      {
        project: this.session.repository.project,
        ignored: await this.scanner.ignoredFolders(),
        onEvent: (path) => {
          this.touched.add(path);
          requests.ask('event');
        },
        onBroken: (reason) => {
          const message = `files cannot be watched (${reason}); conductor scans every second instead`;
          this.emit({ type: 'warning', message });
          this.poll = true;
          requests.ask('look');
        },
      },
      this.scope,
    );
  }

  private async idle(tree: ObjectId, because?: string): Promise<void> {
    if (this.builds.running) return;
    if (!this.justBuilt && because === undefined) return;
    this.justBuilt = false;
    // Load now what the next change needs, while nobody waits.
    if (!this.problems.ofReading) {
      const read = await this.reader.readAhead(tree, this.parts.options.targets.length === 0);
      if (read) this.scope = scopeOf(read, this.scope);
      if (read) this.scoped = scopedTo(read);
    }
    await this.scanner.keepParsed();
    if (because !== undefined) this.emit({ type: 'warning', message: because });
    this.emit({ type: 'watch.idle', tasks: this.reader.tasks, failed: this.builds.failed.length });
  }
}

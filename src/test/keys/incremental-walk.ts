/** Walks of random changes: after each, what is fresh by induction is compared with what a full analysis finds fresh. */

import { expect } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import type { DependencyOutputs } from '../../analysis/dependency-outputs.js';
import { prepare } from '../../analysis/prepare.js';
import { openInduction } from '../../analysis/range/induction.js';
import { openWritingSession } from '../../build/project-session.js';
import type { Label } from '../../model/task.js';
import { Dice } from '../rig/random-project.js';
import { createRig, type Rig } from '../rig/rig.js';
import { ChangingProject } from './changing-project.js';

interface Compared {
  /** Tasks that induction calls fresh. */
  readonly fresh: readonly Label[];
  /** Those that a full analysis finds fresh. */
  readonly all: readonly Label[];
}

/** Undefined where the project is not valid: then nothing is analysed at all. */
async function compare(rig: Rig): Promise<Compared | undefined> {
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const { signal } = new AbortController();
  const loaded = await host.loadConfig(rig.dir);
  const session = await openWritingSession(host, { command: 'test', wait: false, signal }, () => {});
  if (!loaded.ok || !session.ok) throw new Error('the project cannot be opened');
  try {
    const options = { targets: [], force: false, discardEdits: false };
    const ready = await prepare(host, { project: session.value, loaded: loaded.value }, options);
    if (!ready.ok) return undefined;
    const { checker, project, store } = ready.value;
    const induction = await openInduction(ready.value, host.version);
    const made = new Map<Label, DependencyOutputs>();
    const fresh: Label[] = [];
    const all: Label[] = [];
    for (const label of project.graph.order) {
      const task = project.graph.task(label);
      const isKnown = task.dependsOn.every((need) => made.has(need));
      const checked = isKnown ? await checker.check(task, made) : undefined;
      const verdict = checked?.ok ? checked.value.verdict : undefined;
      const seen = checked?.ok ? checked.value.dependencyOutputs : undefined;
      if (seen) made.set(label, seen);
      if (verdict?.kind === 'fresh') all.push(label);
      const outputs = induction.outputsOf(task);
      if (outputs) {
        expect({ label, verdict }).toEqual({ label, verdict: { kind: 'fresh' } });
        expect(outputs).toEqual(seen);
        fresh.push(label);
      } else if (verdict?.kind === 'fresh') induction.confirm(label);
    }
    await store.close();
    return { fresh, all };
  } finally {
    await session.value.close();
  }
}

async function notFresh(rig: Rig): Promise<[Label, string][]> {
  return Object.entries(await rig.inspect()).filter(([, verdict]) => verdict !== 'fresh');
}

/** Changes, comparisons and builds in turn; how many tasks needed no analysis. */
export async function walk(seed: number, steps: number): Promise<{ fresh: number; all: number }> {
  await using rig = await createRig();
  const dice = new Dice(seed);
  const project = new ChangingProject(rig, dice);
  const told: string[] = [];
  const sum = { fresh: 0, all: 0 };
  try {
    for (let step = 0; step < steps; step++) {
      if (step % 3 === 0) {
        const built = await rig.build({ keepEdits: dice.chance(0.5) });
        told.push(`build: ${built.summary.outcome}`);
        project.keepState();
        const { counts, exitCode } = built.summary;
        if (exitCode !== 0) {
          told.push('recovery');
          project.recover();
          await rig.build({ keepEdits: true });
        }
        // What a build leaves that analysed only what changed is what one leaves that analysed everything.
        if (exitCode === 0 && counts.drifted === 0) expect(await notFresh(rig)).toEqual([]);
        continue;
      }
      told.push(project.change());
      const compared = await compare(rig);
      sum.fresh += compared?.fresh.length ?? 0;
      sum.all += compared?.all.length ?? 0;
    }
  } catch (error) {
    if (error instanceof Error) error.message = `TEST_SEED=${seed}: ${told.join('; ')}\n${error.message}`;
    throw error;
  }
  return sum;
}

/** Every kind of budget against the real OpenCode server and a model that would go on. */

import { expect, test, vi } from 'vitest';
import { createOpencodeRig, scriptedTask } from '../rig/opencode-rig.js';

// A server takes a second to start, and many on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

/** Of one step: 1000 tokens, $0.0042. */
const USAGE = { input: 900, output: 100 };
const LIMITS = { tokens: 2500, usd: 0.0104 };
const AT_THIRD_STEP = { tokens: 3000, usd: 0.0126 };

test('a budget of a task, a build or a day, in money or tokens, stops work in flight within one step of the model', async () => {
  await using one = await createOpencodeRig({ attempts: 3 });
  const { rig, model } = one;
  const spentToday = { tokens: 0, usd: 0 };
  for (const scope of ['task', 'build', 'day'] as const) {
    for (const unit of ['tokens', 'usd'] as const) {
      const script = `${scope}-${unit}`;
      const before = scope === 'day' ? spentToday[unit] : 0;
      const limit = { [unit]: before + LIMITS[unit] };
      const own = scope === 'task' ? { budget: limit } : {};
      rig.backlog('f', { T1: scriptedTask(script, 'one.txt', own) });
      rig.config = { ...rig.config, budget: scope === 'task' ? {} : { [scope]: limit } };
      const step = { call: 'glob', args: { pattern: '*.x' }, usage: USAGE };
      // Whether there is a fourth request or not: its answer never comes, and nobody waits for it.
      model.script(script, [step, step, step, { hold: script }, step]);
      const built = await one.build();
      const failure = built.failure('f/T1');
      expect(failure, script).toMatchObject({ kind: 'budget-exceeded', scope, unit });
      const spent = failure?.kind === 'budget-exceeded' ? failure.spent : 0;
      expect(spent, script).toBeCloseTo(before + AT_THIRD_STEP[unit], 8);
      expect(one.asked(script), script).toBeLessThanOrEqual(4);
      expect(built.of('task.attempt-failed'), script).toEqual([]);
      const warnings = built.warnings().filter((text) => text.includes('nearly used up'));
      expect(warnings, script).toEqual([expect.stringContaining(`budget of the ${scope}`)]);
      spentToday.tokens += (built.summary.usage.tokensIn ?? 0) + (built.summary.usage.tokensOut ?? 0);
      spentToday.usd += built.summary.usage.costUsd ?? 0;
    }
  }
});

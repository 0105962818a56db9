/** The trial of an agent, with a scripted twin and with the real OpenCode behind a scripted model. */

import { mkdtempSync, readdirSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { createOpencodeAgent } from '../../agent/opencode/driver.js';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { ScriptedModelAgent } from '../../agent/scripted-model/opencode-with-script.js';
import { serveScripts } from '../../agent/scripted-model/script-file.js';
import { ok } from '../../base/result.js';
import { TRIAL_SCRIPTS, tryAgent } from '../../commands/doctor/agent-trial.js';
import { findSandbox } from '../../io/process/sandbox/sandbox.js';
import { createRig } from '../rig/rig.js';

const options = { timeoutMs: 60_000, signal: new AbortController().signal, now: Date.now };

afterEach(() => vi.unstubAllEnvs());

test('the real OpenCode passes with a scripted model, says what it used and leaves nothing', async () => {
  await using rig = await createRig();
  const agent = new ScriptedModelAgent({
    serve: async () => ok(await serveScripts(TRIAL_SCRIPTS)),
    createAgent: async (config) =>
      createOpencodeAgent(config, {
        env: rig.env,
        stateDir: `${rig.temporary.root}/servers`,
        commandEnv: [],
        now: Date.now,
        async findSandbox() {
          const found = await findSandbox(rig.env);
          return 'program' in found ? found.program : undefined;
        },
      }),
  });
  const tmp = mkdtempSync(`${rig.temporary.root}/tmp-`);
  vi.stubEnv('TMPDIR', tmp);
  const tried = await tryAgent(agent, options);
  expect(tried).toMatchObject({ ok: true, value: { usage: { costUsd: expect.any(Number) } } });
  expect(readdirSync(tmp)).toEqual([]);
  expect(readdirSync(`${rig.temporary.root}/servers/opencode`)).toEqual([]);
});

test.each([
  ['writes nothing', {}, 'it wrote no answer.txt'],
  ['guesses', { 'answer.txt': 'gamma' }, 'does not have the requested content'],
])('an agent that %s does not pass', async (_what, files, detail) => {
  const tried = await tryAgent(new ScriptedAgent({ auto: () => files }), options);
  expect(tried).toMatchObject({ error: { kind: 'agent-error', detail: expect.stringContaining(detail) } });
});

test('an agent that fails says why', async () => {
  const failure = { kind: 'agent-missing', program: 'claude' } as const;
  const tried = await tryAgent(new ScriptedAgent({ auto: () => failure }), options);
  expect(tried).toEqual({ ok: false, error: failure });
});

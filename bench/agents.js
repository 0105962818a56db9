// Measures what an agent task costs beyond its model: conductor's round of tasks over the same work done by a bare
// OpenCode server in the same run. The model is scripted and answers at once, so that all of the time is overhead.
//   npm run bench -- agents
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';

const CONDUCTOR = fileURLToPath(new URL('../bin/conductor.js', import.meta.url));
const KEY = 'sk-bench';
const WORKERS = [1, 4, 8];
/** Of as many tasks as there are workers; in the first one every workspace is opened on the server. */
const ROUNDS = 4;
const STEPS = [
  { call: 'write', args: { filePath: 'out.txt', content: 'made\n' } },
  { call: 'bash', args: { command: 'mv out.txt "$(cat name)"', description: 'rename' } },
  { say: 'Done.' },
];

const load = (path) => createJiti(import.meta.url).import(`../src/${path}`);

/** A row for each number of workers. */
export async function measureAgents(counts) {
  const { createScriptedModel } = await load('agent/scripted-model/model-server.ts');
  const rows = [];
  for (const workers of counts.length > 0 ? counts : WORKERS) {
    const model = await createScriptedModel({ key: KEY });
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-bench-')));
    try {
      const bare = await bareRounds(model, join(root, 'bare'), workers);
      const own = await conductorRounds(model, join(root, 'own'), workers);
      rows.push({
        workers,
        'bare: first round': ms(bare[0]),
        'bare: warm round': ms(median(bare.slice(1))),
        'conductor: first round': ms(own.first),
        'conductor: warm round': ms(own.warm),
        'own share of a task': ms((own.warm - median(bare.slice(1))) / workers),
        ratio: (own.warm / median(bare.slice(1))).toFixed(2),
      });
    } finally {
      await model.close();
      rmSync(root, { recursive: true, force: true });
    }
  }
  return rows;
}

async function agentConfig(model) {
  const { SCRIPTED_MODEL, SCRIPTED_PROVIDER, scriptedProviderSetup } = await load(
    'agent/scripted-model/provider.ts',
  );
  const provider = { ...scriptedProviderSetup(model.url), keyEnv: 'MODEL_KEY' };
  return { driver: 'opencode', model: SCRIPTED_MODEL, providers: { [SCRIPTED_PROVIDER]: provider } };
}

/** Milliseconds of each round: sessions side by side in worktrees that stay, with nothing of conductor's around them. */
async function bareRounds(model, folder, workers) {
  const [{ startServer }, { findOpencode, ripgrepFolder }, { EventStream }, { findSandbox }] =
    await Promise.all([
      load('agent/opencode/server/opencode-server.ts'),
      load('agent/opencode/server/binary.ts'),
      load('agent/opencode/session/events.ts'),
      load('io/process/sandbox.ts'),
    ]);
  const env = { PATH: process.env.PATH };
  const sandbox = await findSandbox(env);
  const started = await startServer({
    program: (await findOpencode({ env })).value.program,
    stateDir: join(folder, 'state'),
    env,
    ripgrep: ripgrepFolder({ env }),
    config: { agent: await agentConfig(model), keys: { scripted: KEY } },
    ...('program' in sandbox ? { sandbox: sandbox.program } : {}),
  });
  if (!started.ok) throw new Error(JSON.stringify(started.error));
  const server = started.value;
  const events = new EventStream(server.client);
  await events.open();
  model.script('bare', STEPS);
  const worktrees = Array.from({ length: workers }, (_, i) => join(folder, `w${i}`));
  for (const directory of worktrees) {
    execFileSync('git', ['init', '-q', directory]);
    writeFileSync(join(directory, 'name'), 'made.txt\n');
    await server.grant({ workspace: directory, env, network: false });
  }
  const job = async (directory) => {
    const { data } = await server.client.session.create({ directory, title: 'bare' });
    const sessionID = data.id;
    const idle = new Promise((resolve) => {
      const onEvent = (event) => event.type === 'session.idle' && resolve();
      events.follow(sessionID, { onEvent, onGap() {} });
    });
    const parts = [{ type: 'text', text: 'Go. [script:bare]' }];
    await server.client.session.promptAsync({ directory, sessionID, agent: 'build', parts });
    await idle;
    await server.client.session.messages({ directory, sessionID });
    await server.client.session.delete({ directory, sessionID });
  };
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await Promise.all(worktrees.map(job));
    rounds.push(performance.now() - start);
  }
  await events.close();
  await server.stop();
  return rounds;
}

/** The command line builds as many tasks; `warm` is the mean of the rounds after the first. */
async function conductorRounds(model, folder, workers) {
  const project = join(folder, 'project');
  mkdirSync(join(project, 'specs', 'f'), { recursive: true });
  const count = workers * ROUNDS;
  const tasks = Array.from({ length: count }, (_, i) => ({
    id: `T${i}`,
    title: `Task ${i}`,
    description: 'Write it. [script:task]',
    inputs: ['name'],
    outputs: [`T${i}.txt`],
  }));
  const name = (request) => /T\d+\.txt/.exec(JSON.stringify(request.messages))?.[0];
  model.script('task', [
    STEPS[0],
    (request) => ({ ...STEPS[1], args: { ...STEPS[1].args, command: `mv out.txt ${name(request)}` } }),
    STEPS[2],
  ]);
  writeFileSync(join(project, 'name'), 'made.txt\n');
  writeFileSync(join(project, 'specs/f/BACKLOG.yaml'), JSON.stringify({ title: 'f', tasks }));
  const config = { agent: await agentConfig(model), workers };
  writeFileSync(join(project, 'conductor.config.mjs'), `export default ${JSON.stringify(config)};\n`);
  execFileSync('git', ['init', '-q', project]);
  const events = await build(project, folder);
  const failed = events.filter((event) => event.type === 'task.finished' && event.outcome !== 'built');
  if (failed.length > 0) throw new Error(JSON.stringify(failed[0]));
  const ends = events.filter((event) => event.type === 'task.finished').map((event) => event.at);
  const begin = events.find((event) => event.type === 'task.started').at;
  const first = ends[workers - 1];
  return { first: first - begin, warm: (ends.at(-1) - first) / (ROUNDS - 1) };
}

function build(cwd, home) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CONDUCTOR, 'build', '--json'], {
      cwd,
      env: { PATH: process.env.PATH, HOME: home, MODEL_KEY: KEY },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0)
        return reject(new Error(`conductor ended with ${code}: ${stderr}${stdout.slice(-4000)}`));
      resolve(
        stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      );
    });
  });
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function ms(value) {
  return `${value.toFixed(0)} ms`;
}

// Measures what an agent task costs beyond its model: conductor's round of tasks over the same sessions on an OpenCode server
// with the same agent definition and plugins, and on a bare one, in the same run. The model is scripted and answers at once, so that all of the time is overhead.
//   npm run bench -- agents 1 4 8
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';
import { environment, processorTime, shownMs, temporaryFolder, watched } from './measure.js';
import { row } from './rows.js';

const KEY = 'sk-bench';
const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
/** Of as many tasks as there are workers; in the first one every workspace is opened on the server. */
const ROUNDS = 4;
/** What each session does: one file by a tool, which may write only what the task declares, and one command. */
const steps = (nameOf) => [
  (request) => ({ call: 'write', args: { filePath: nameOf(request), content: 'made\n' } }),
  (request) => ({ call: 'bash', args: { command: `cat name ${nameOf(request)}`, description: 'look' } }),
  { say: 'Done.' },
];

const load = (path) => createJiti(import.meta.url).import(`../src/${path}`);

/** A row for each number of workers. */
export async function measureAgents(counts) {
  const rows = [];
  for (const workers of counts) {
    const { bare, alike, own } = await allWays(workers);
    rows.push({
      workers,
      'bare: first round': shownMs(bare.first),
      'bare: warm round': shownMs(bare.warm),
      'with its definition and plugins: warm round': shownMs(alike.warm),
      'conductor: first round': shownMs(own.first),
      'conductor: warm round': shownMs(own.warm),
      'own share of a task': shownMs((own.warm - alike.warm) / workers),
      'over the bare server': shownMs((own.warm - bare.warm) / workers),
      ratio: (own.warm / alike.warm).toFixed(2),
      'own processor time of a task': shownMs(own.cpu / workers),
    });
  }
  return rows;
}

/** The row of the one table: what conductor adds to each task when as many run side by side, and beside it the bare server. */
export async function agentRow(workers) {
  const { bare, alike, own } = await allWays(workers);
  const share = { wall: (own.warm - alike.warm) / workers, cpu: own.cpu / workers };
  const overBare = shownMs((own.warm - bare.warm) / workers);
  return row({
    name: `an agent task, own share, ${workers} workers`,
    time: share,
    mb: own.mb,
    beside: `a round of ${workers} tasks: OpenCode with conductor's definition and plugins ${shownMs(alike.warm)}, as it is ${shownMs(bare.warm)} (${overBare} a task less than conductor), conductor ${shownMs(own.warm)}`,
    ratio: { wall: own.warm / alike.warm },
    goal: workers === 8 ? '15 ms' : undefined,
    met: (kind) => share[kind] <= 15,
  });
}

/**
 * Rounds of bare servers, before and after those of conductor with the same model: what slows the machine down meanwhile is in
 * all of them. `bare` is OpenCode as it is, `alike` has conductor's agent definition and plugins.
 */
async function allWays(workers) {
  const { createScriptedModel } = await load('agent/scripted-model/model-server.ts');
  const model = await createScriptedModel({ key: KEY });
  const root = temporaryFolder('agents');
  const servers = [];
  const open = async (name, session) => {
    servers.push(await openBare(model, join(root, name), { workers, ...session }));
    return servers.at(-1);
  };
  try {
    const bare = await open('bare', { agent: 'build', files: [], tools: {} });
    const alike = await open('alike', await conductorsSession());
    const before = [await bare.rounds(), await alike.rounds()];
    const own = await conductorRounds(model, join(root, 'own'), workers);
    const after = [await bare.rounds(), await alike.rounds()];
    const means = before.map(({ first, warm }, at) => ({ first, warm: (warm + after[at].warm) / 2 }));
    return { bare: means[0], alike: means[1], own };
  } finally {
    for (const server of servers) await server.close();
    await model.close();
    rmSync(root, { recursive: true, force: true });
  }
}

/** What conductor gives to OpenCode: its agent definitions and plugins, and for each session the tools that it leaves out. */
async function conductorsSession() {
  const { toolsOff } = await load('agent/opencode/session/role.ts');
  const texts = (folder, to, ending) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(ending))
      .map((name) => ({ path: `${to}/${name}`, text: readFileSync(join(folder, name), 'utf8') }));
  return {
    agent: 'implementer',
    files: [
      ...texts(join(PACKAGE, '.opencode', 'agent'), 'agent', '.md'),
      ...texts(join(PACKAGE, 'dist', 'plugin'), 'plugin', '.js'),
    ],
    tools: toolsOff({ kind: 'files', outputs: ['made.txt'], edits: [] }),
  };
}

/** From the times at which jobs ended, in order: the first round, and the mean of those after it. */
function roundsOf(ends, workers) {
  const first = ends[workers - 1];
  return { first, warm: (ends.at(-1) - first) / (ROUNDS - 1) };
}

async function agentConfig(model) {
  const { SCRIPTED_MODEL, SCRIPTED_PROVIDER, scriptedProviderSetup } = await load(
    'agent/scripted-model/provider.ts',
  );
  const provider = { ...scriptedProviderSetup(model.url), keyEnv: 'MODEL_KEY' };
  return { driver: 'opencode', model: SCRIPTED_MODEL, providers: { [SCRIPTED_PROVIDER]: provider } };
}

/** Sessions side by side in worktrees that stay, with nothing of conductor's around them. */
async function openBare(model, folder, { workers, agent, files, tools }) {
  const [{ startServer }, { findOpencode, ripgrepFolder }, { EventStream }, { findSandbox }] =
    await Promise.all([
      load('agent/opencode/server/opencode-server.ts'),
      load('agent/opencode/server/binary.ts'),
      load('agent/opencode/session/events.ts'),
      load('io/process/sandbox/sandbox.ts'),
    ]);
  const env = { PATH: process.env.PATH };
  const sandbox = await findSandbox(env);
  const started = await startServer({
    program: (await findOpencode({ env })).value.program,
    stateDir: join(folder, 'state'),
    env,
    ripgrep: ripgrepFolder({ env }),
    config: { agent: await agentConfig(model), keys: { scripted: KEY } },
    files,
    ...('program' in sandbox ? { sandbox: sandbox.program } : {}),
  });
  if (!started.ok) throw new Error(JSON.stringify(started.error));
  const server = started.value;
  const events = new EventStream(server.client);
  await events.open();
  model.script(
    'bare',
    steps(() => 'made.txt'),
  );
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
    await server.client.session.promptAsync({ directory, sessionID, agent, tools, parts });
    await idle;
    await server.client.session.messages({ directory, sessionID });
    await server.client.session.delete({ directory, sessionID });
  };
  /** As conductor's workers do, each goes on with its next job without waiting for the others. */
  const rounds = async () => {
    const begin = performance.now();
    const ends = [];
    const lane = async (directory) => {
      for (let round = 0; round < ROUNDS; round++) {
        await job(directory);
        ends.push(performance.now() - begin);
      }
    };
    await Promise.all(worktrees.map(lane));
    return roundsOf(ends, workers);
  };
  const close = async () => {
    await events.close();
    await server.stop();
  };
  return { rounds, close };
}

/** The command line builds as many tasks. `cpu`: processor time of one warm round, of conductor and the git processes that ended. */
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
  model.script('task', steps(name));
  writeFileSync(join(project, 'name'), 'made.txt\n');
  writeFileSync(join(project, 'specs/f/BACKLOG.yaml'), JSON.stringify({ title: 'f', tasks }));
  const config = { agent: await agentConfig(model), workers };
  writeFileSync(join(project, 'conductor.config.mjs'), `export default ${JSON.stringify(config)};\n`);
  execFileSync('git', ['init', '-q', project]);
  const { events, cpus, mb } = await build(project, folder);
  const begin = events.find((event) => event.type === 'task.started').at;
  const ends = events.filter((event) => event.type === 'task.finished').map((event) => event.at - begin);
  return { ...roundsOf(ends, workers), cpu: roundsOf(cpus, workers).warm, mb };
}

/** Its events, and the processor time that conductor had used by the end of each task. */
function build(cwd, home) {
  return new Promise((resolve, reject) => {
    const measured = watched(['build', '--json'], { home });
    const [program, ...args] = measured.command;
    const child = spawn(program, args, {
      cwd,
      env: { ...environment(home), MODEL_KEY: KEY, ...measured.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    process.once('exit', () => child.kill());
    const events = [];
    const cpus = [];
    let stderr = '';
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line);
      events.push(event);
      if (event.type === 'task.finished') cpus.push(processorTime(child.pid));
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const said = failureOf(events) ?? (code === 0 ? undefined : lastLine(stderr));
      if (said !== undefined) return reject(new Error(`conductor ended with ${code}: ${said}`));
      resolve({ events, cpus, mb: measured.own().mb });
    });
  });
}

/** One sentence on why a build did not build all of its tasks: how many, and the first one's reason. */
function failureOf(events) {
  const ended = events.filter((event) => event.type === 'task.finished');
  const failed = ended.filter((event) => event.outcome !== 'built');
  if (failed.length === 0) return undefined;
  const [{ task, outcome, error }] = failed;
  const details = error?.details?.length > 0 ? ` (${error.details[0]})` : '';
  return `${failed.length} of ${ended.length} tasks were not built; ${task}: ${error?.message ?? outcome}${details}`;
}

const lastLine = (text) => text.trim().split('\n').at(-1) || 'it said nothing';

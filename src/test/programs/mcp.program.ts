/** Real agents as clients of `conductor mcp`: each takes a task, submits it, and the result is published. */

import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createScriptedModel, type ScriptedModel } from '../../agent/scripted-model/model-server.js';
import { runProgram } from '../../io/process/process.js';
import { ensureBuilt, PACKAGE, TemporaryProject } from '../rig/command-line.js';
import { backlogYaml } from '../rig/rig-backlog.js';
import { binFolder, KEY, PROGRAMS, type RealProgram, writeFiles } from './programs.js';

interface Client {
  readonly program: RealProgram;
  /** The name under which its model knows a tool of the server. */
  tool(name: string): string;
  /** Its settings of the server, below its home. */
  settings(server: object): Record<string, string>;
  argv(home: string, prompt: string): readonly string[];
}

const CLIENTS: readonly Client[] = [
  {
    program: PROGRAMS.claude,
    tool: (name) => `mcp__conductor__${name}`,
    settings: (server) => ({ 'mcp.json': JSON.stringify({ mcpServers: { conductor: server } }) }),
    argv: (home, prompt) => [
      'claude',
      ...['-p', prompt, '--strict-mcp-config', '--mcp-config', join(home, 'mcp.json')],
      ...['--model', PROGRAMS.claude.asked],
      ...['--allowedTools', 'mcp__conductor__take_task,mcp__conductor__submit_task'],
    ],
  },
  {
    program: PROGRAMS.gemini,
    tool: (name) => `mcp_conductor_${name}`,
    settings: (server) => ({
      '.gemini/settings.json': JSON.stringify({
        security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
        mcpServers: { conductor: { ...server, trust: true } },
      }),
    }),
    argv: (_home, prompt) => ['gemini', '-m', PROGRAMS.gemini.asked, '--approval-mode', 'yolo', '-p', prompt],
  },
];

describe.each(CLIENTS)('$program.package $program.version as a client', ({ program, ...client }) => {
  let model: ScriptedModel;
  beforeAll(async () => {
    ensureBuilt();
    model = await createScriptedModel({ key: KEY });
  });
  afterAll(() => model.close());

  test.runIf(binFolder(program) !== undefined)('takes a task, submits it, and it is published', async () => {
    const project = new TemporaryProject({
      'specs/f/BACKLOG.yaml': backlogYaml('f', {
        T1: { description: 'Write one.', outputs: ['one.txt'], verify: ['grep -q one one.txt'] },
      }),
      '.gitignore': '.conductor/\n',
      'conductor.config.mjs': "export default { sandbox: 'off', rebase: 'off' };\n",
    });
    project.commit();
    const env = {
      PATH: [binFolder(program), dirname(process.execPath), process.env.PATH].filter(Boolean).join(delimiter),
      HOME: project.home,
      ...program.env(model.url),
    };
    const server = {
      command: process.execPath,
      args: [join(PACKAGE, 'bin/conductor.js'), 'mcp'],
      env: { PATH: env.PATH, HOME: project.home },
    };
    writeFiles(project.home, { ...program.settings(model.url), ...client.settings(server) });
    model.script('work', [
      { call: client.tool('take_task'), args: {} },
      { call: client.tool('submit_task'), args: { files: { 'one.txt': 'one\n' }, model: 'tester/mind' } },
      { call: client.tool('take_task'), args: {} },
      { say: 'All tasks are built.' },
    ]);
    const exit = await runProgram({
      command: client.argv(project.home, 'Take the tasks of conductor and build them. [script:work]'),
      cwd: project.dir,
      env,
      stdin: '',
      timeoutMs: 200_000,
    });
    const told = JSON.stringify(model.requests.filter(({ script }) => script === 'work').at(-1)?.messages);
    expect(exit, told).toMatchObject({ kind: 'exited', code: 0 });
    expect(told).toContain('f/T1: built');
    expect(told).toContain('there is no work');
    expect(project.read('one.txt')).toBe('one\n');
    project.dispose();
  });
});

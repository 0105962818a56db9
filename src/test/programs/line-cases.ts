/** The cases of a real program that need all of conductor: several tasks at once, its death, a plan. */

import { readdirSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createScriptedModel, type ScriptedModel } from '../../agent/scripted-model/model-server.js';
import type { ScriptStep } from '../../agent/scripted-model/playbook.js';
import { findSandbox } from '../../io/process/sandbox/sandbox.js';
import { processesNaming, TemporaryProject, until } from '../rig/command-line.js';
import { backlogYaml } from '../rig/rig-backlog.js';
import { binFolder, KEY, type RealProgram, writeFiles } from './programs.js';

const DONE: ScriptStep = { say: 'Done.' };

export function describeLine(program: RealProgram): void {
  describe.runIf(binFolder(program) !== undefined)(`${program.bin} from the command line`, () => {
    let model: ScriptedModel;
    let hasSandbox = false;
    beforeAll(async () => {
      model = await createScriptedModel({ key: KEY });
      hasSandbox = 'program' in (await findSandbox(process.env));
    });
    afterAll(() => model.close());

    function createProject(config: object = {}, limits: object = {}): TemporaryProject {
      const project = new TemporaryProject();
      const env = Object.keys(program.env(''));
      const agent = { driver: 'command', preset: program.preset, model: program.model, env, limits };
      project.write('conductor.config.mjs', `export default ${JSON.stringify({ agent, ...config })};\n`);
      project.write('.gitignore', '/.conductor/\n');
      writeFiles(project.home, program.settings(model.url));
      return project;
    }
    const start = (project: TemporaryProject, ...args: string[]) =>
      project.start(args, {
        PATH: [binFolder(program), dirname(process.execPath), process.env.PATH]
          .filter(Boolean)
          .join(delimiter),
        ...program.env(model.url),
      });

    test('parallel: five tasks at once, each in its own workspace', async () => {
      const project = createProject({ workers: 5 });
      const names = ['one', 'two', 'three', 'four', 'five'];
      const task = (name: string) => ({
        description: `Write it. [script:${name}]`,
        outputs: [`${name}.txt`],
      });
      project.write(
        'specs/f/BACKLOG.yaml',
        backlogYaml('f', Object.fromEntries(names.map((name) => [name, task(name)]))),
      );
      project.commit();
      for (const name of names) {
        model.script(name, [{ hold: 'all' }, program.shell(`printf '%s' '${name}' > ${name}.txt`), DONE]);
      }
      const running = start(project, 'build');
      await Promise.race([model.held('all', 5), running.ended]);
      expect(model.waiting('all')).toBe(5);
      model.release('all');
      const ended = await running.ended;
      expect(ended, ended.text).toMatchObject({ code: 0 });
      expect(names.map((name) => project.read(`${name}.txt`))).toEqual(names);
      project.dispose();
    });

    test('a provider that asks for a wait of an hour: the fallback does the task, as the same attempt', async () => {
      const { model: first, fallback } = program;
      const project = createProject(
        { attempts: 1, rebase: 'off', models: { routes: [{ model: first, fallbacks: [fallback] }] } },
        { retryWaitMinutes: 0.3 },
      );
      const task = { description: 'Work. [script:limited]', outputs: ['x.txt'] };
      project.write('specs/f/BACKLOG.yaml', backlogYaml('f', { T1: task }));
      project.commit();
      // `opencode run` waits without a word for as long as it is told; the `opencode` driver does not.
      const retryAfter = program.preset === 'opencode-run' ? 1 : 3600;
      const write = program.shell("printf '%s' done > x.txt");
      const isFallback = (asked: string) => fallback.endsWith(asked);
      model.script('limited', [
        ({ model: asked }) => (isFallback(asked) ? write : { loop: { status: 429, retryAfter } }),
        DONE,
      ]);
      const ended = await start(project, 'build').ended;
      expect(ended, ended.text).toMatchObject({ code: 0 });
      expect(project.read('x.txt')).toBe('done');
      expect(ended.text).toContain(`${fallback} is used instead`);
      project.dispose();
    });

    test('kill: what an agent runs in the sandbox dies with conductor', async ({ skip }) => {
      if (!hasSandbox) skip('bubblewrap does not work here');
      const project = createProject();
      const task = { description: 'Work. [script:killed]', outputs: ['x.txt'] };
      project.write('specs/f/BACKLOG.yaml', backlogYaml('f', { T1: task }));
      project.commit();
      model.script('killed', [program.shell("touch begun; setsid sh -c 'sleep 300' & sleep 300"), DONE]);
      const running = start(project, 'build');
      // Programs make and remove files meanwhile: a folder that is gone is looked at again.
      const begun = () => {
        try {
          const paths = readdirSync(project.home, { recursive: true, encoding: 'utf8' });
          return paths.some((path) => path.endsWith('/begun'));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
          throw error;
        }
      };
      await until('the shell to run', begun, 120_000);
      expect(processesNaming(project.root)).not.toEqual([]);
      running.process.kill('SIGKILL');
      await running.ended;
      await until('all to be gone', () => processesNaming(project.root).length === 0);
      project.dispose();
    });

    test('plan: the documents of the planners become a backlog', async () => {
      const project = createProject();
      project.write('specs/f/REQUEST.md', '# A note\n\nKeep one note. [script:plan]\n');
      project.commit();
      // The marker stands in every document: the next step's prompt is made of them.
      const document = '## Purpose\n\nA note can be kept. [script:plan]\n\n## Assumptions\n\n- One user.\n';
      const files = {
        'plan-spec.md': document,
        'plan-arch.md': document,
        'plan-qa.md': document,
        'PLAN.md': '# A note\n\n## Requirements\n\n### R1 Keep\n\nA note can be kept. [script:plan]\n',
        'BACKLOG.yaml': backlogYaml('f', {
          T01: { description: 'Keep it.', outputs: ['note.txt'], verify: ['true'] },
        }),
      };
      const write = Object.entries(files).map(
        ([name, text]) => `mkdir -p specs/f && cat > specs/f/${name} <<'EOF'\n${text}EOF`,
      );
      model.script('plan', [program.shell(write.join('\n')), DONE]);
      const ended = await start(project, 'plan', 'f').ended;
      expect(ended.text).not.toContain('failed');
      expect(ended, ended.text).toMatchObject({ code: 0 });
      expect(project.read('specs/f/BACKLOG.yaml')).toContain('Keep it.');
      project.dispose();
    });
  });
}

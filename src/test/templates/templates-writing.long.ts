/** What `new` writes from the shipped templates: refused names, shared features, and every example of a template. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import type { Result } from '../../base/result.js';
import { planFeature, writeFeature } from '../../commands/new/new-feature.js';
import { readDefinition } from '../../templates/folder.js';
import { listTemplates } from '../../templates/places.js';
import { PACKAGE } from '../rig/command-line.js';
import { createRig } from '../rig/rig.js';
import { TemplateProject } from './template-project.js';

// Whole builds with many gates: far below this on an idle machine.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

test('names that the generated code could not bear are refused, all at once', async () => {
  const project = new TemplateProject();
  try {
    const refused = await project.new({
      template: 'crud-feature',
      name: 'errors',
      set: { entity: 'Error', fields: 'id:string,Total:number,note:text', dir: '../out' },
    });
    expect(refused.code).toBe(2);
    for (const variable of ['entity', 'fields', 'dir']) expect(refused.text).toContain(variable);
    expect(refused.text).toMatch(/`version`/);
    expect(readdirSync(project.dir).sort()).toEqual(['.git', '.gitignore']);
  } finally {
    project.dispose();
  }
});

test('what features share is made once, and once more for another folder; former templates stay', async () => {
  await using rig = await createRig();
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const roots = { project: rig.dir, shipped: join(PACKAGE, 'templates'), cwd: rig.dir };
  // As the former templates left it: a feature with a file of its own, and templates of these names.
  const former = '/** As it was. */\n';
  rig.write({
    'templates/crud-feature/handler.hbs': former,
    'templates/crud-feature/http.hbs': former,
    'specs/feature-001-old/BACKLOG.yaml': `tasks:
  - id: T04
    inputs: []
    outputs: [src/old/http.mjs]
    render: [{ template: crud-feature/http.hbs, to: src/old/http.mjs }]
`,
  });
  const make = async (template: string, name: string, set: Record<string, string>) => {
    const plan = right(await planFeature(host, roots, { template, name, set }));
    expect(right(await writeFeature(host, plan)).warnings).toEqual([]);
    const backlog = rig.read(`${plan.folder}/BACKLOG.yaml`) ?? '';
    const [label] = /feature-000-[\w-]+\/T01/.exec(backlog) ?? [];
    return { needed: plan.needed.map(({ folder }) => folder), label };
  };
  const crud = { entity: 'Note', fields: 'text:string' };
  const shared = 'feature-000-shared-http';
  expect(await make('crud-feature', 'notes', crud)).toEqual({
    needed: [`specs/${shared}`],
    label: `${shared}/T01`,
  });
  const endpoint = { operation: 'find it', method: 'GET', path: '/it' };
  expect(await make('api-endpoint', 'it', endpoint)).toEqual({ needed: [], label: `${shared}/T01` });
  expect(await make('api-endpoint', 'other', { ...endpoint, operation: 'ping', dir: 'lib' })).toEqual({
    needed: [`specs/${shared}-2`],
    label: `${shared}-2/T01`,
  });
  const outcomes = Object.values((await rig.buildWithoutAgent()).outcomes());
  expect(new Set(outcomes)).toEqual(new Set(['built']));
  expect(outcomes.length).toBe(17);
  expect(rig.read('src/old/http.mjs')).toBe(former);
  expect(rig.read('lib/shared/http.mjs')).toBe(rig.read('src/shared/http.mjs'));
  expect(rig.read('src/notes/handler.mjs')).toContain("from '../shared/http.mjs'");
});

test('every example that a template gives works as it stands', async () => {
  await using rig = await createRig();
  // Pages of documentation read these: in a project without them they would be warned about.
  rig.write({ 'README.md': '# A project\n', 'src/index.ts': 'export {};\n' });
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const roots = { project: rig.dir, shipped: join(PACKAGE, 'templates'), cwd: rig.dir };
  const places = await listTemplates(roots);
  expect(places.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'api-endpoint',
      'bugfix',
      'cli-command',
      'crud-feature',
      'docs-page',
      'go-package',
      'library-module',
      'python-cli',
      'python-module',
      'shared-http',
      'shell-script',
      'ui-component',
    ]),
  );
  let count = 0;
  for (const place of places) {
    const definition = right(await readDefinition(place, new Set()));
    expect(definition.examples.length, place.name).toBeGreaterThan(0);
    for (const { set } of definition.examples) {
      const request = { template: place.name, name: `example-${++count}`, set };
      const plan = right(await planFeature(host, roots, request));
      const { warnings, missingPrograms } = right(await writeFeature(host, plan));
      expect(warnings).toEqual([]);
      // Not everybody has the tools of every language.
      if (definition.language === 'javascript') expect(missingPrograms).toEqual([]);
      rig.remove('specs');
    }
  }
});

function right<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
